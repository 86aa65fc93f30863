import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { issueCertificate } from '../../dev/stack/certificates.ts';
import { createApiKeys } from '../support/api-keys.ts';
import { eagerStarts } from '../support/eager-starts.ts';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { runCli, type ProgramEnv, type RunningProgram } from '../support/programs.ts';
import {
  clientEnv,
  startSecuredTemporal,
  type SecuredTemporal,
} from '../support/secured-temporal.ts';
import { setUpAll } from '../support/set-up.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { SERVER_START_TIMEOUT_MS } from '../support/temporal-on-postgres.ts';

/** `order-ingest run` and a Temporal server with TLS, whose client certificate or API key is renewed while it runs. */

/** Neither a slow answer nor a late heartbeat makes the bridge start an order again. */
const PATIENT = { BRIDGE_START_TIMEOUT_MS: '30000', KAFKA_SESSION_TIMEOUT_MS: '30000' };

const hasStatus = (program: RunningProgram, part: 'bridge' | 'worker', expected: number) =>
  eventually(async () => {
    const { status, body } = await program.http('GET', '/readyz', part);
    expect({ part, status, body }).toMatchObject({ status: expected });
  });
const haveStatus = (program: RunningProgram, expected: number) =>
  Promise.all([hasStatus(program, 'bridge', expected), hasStatus(program, 'worker', expected)]);

const orderId = (n: number) => `order-${String(n).padStart(4, '0')}`;

/** Sends orders, and waits until all orders have been stored. */
async function store(system: TestSystem, first: number, count: number): Promise<void> {
  const ids = Array.from({ length: count }, (_, n) => orderId(first + n));
  await system.topic.send(ids.map((id) => ({ key: id, value: orderText(id) })));
  await eventually(async () => {
    expect((await system.storedOrderIds()).slice(first)).toEqual(ids);
  });
}

/** Sends orders, and checks that each of them is stored after an eager start. */
async function storeEagerly(system: TestSystem, program: RunningProgram): Promise<void> {
  const [{ length: stored }, before] = await Promise.all([
    system.storedOrderIds(),
    eagerStarts(program),
  ]);
  await store(system, stored, 20);
  expect(await eagerStarts(program)).toEqual({ ...before, eager: (before['eager'] ?? 0) + 20 });
}

describe('with client certificates', () => {
  let temporal: SecuredTemporal;
  let system: TestSystem;
  let proxy: TcpProxy;
  let env: ProgramEnv;
  setUpAll(async (onUndo) => {
    temporal = await startSecuredTemporal();
    onUndo(() => temporal.remove());
    system = await createTestSystem({ securedTemporal: temporal });
    onUndo(() => system.close());
    proxy = await startTcpProxy(temporal.address);
    onUndo(() => proxy.close());
    env = {
      ...clientEnv(temporal, 'client-renewing'),
      TEMPORAL_ADDRESS: `localhost:${proxy.port}`,
    };
    await issueClientCertificate();
    const all = { ...system.bridgeEnv, ...system.workerEnv };
    const setup = await runCli(['setup', '--only', 'temporal'], {
      ...all,
      ...clientEnv(temporal, 'client-operator'),
    });
    expect(setup).toMatchObject({ exitCode: 0 });
  }, SERVER_START_TIMEOUT_MS);

  const issueClientCertificate = () =>
    issueCertificate(temporal.certificates, {
      name: 'client-renewing',
      commonName: 'bridge',
      validUntil: new Date(Date.now() + 30 * 86_400_000),
    });

  test('orders are started eagerly before and after the certificate is renewed', async () => {
    const program = await system.startBoth({ ...PATIENT, ...env });
    await storeEagerly(system, program);
    await issueClientCertificate();
    for (const part of ['bridge', 'worker']) {
      await program.logged('temporal_credentials_renewed', ({ service }) => service === part);
    }
    await storeEagerly(system, program);
    // A connection that is opened again has the renewed certificate.
    await proxy.cut();
    // Only the worker checks its connection while there are no orders.
    await hasStatus(program, 'worker', 503);
    await proxy.restore();
    await haveStatus(program, 200);
    await storeEagerly(system, program);
    expect(await program.end('SIGTERM')).toBe(0);
  });

  test('the certificate can be renewed while orders are started', async () => {
    const program = await system.startBoth({ ...PATIENT, ...env });
    const renewals = () =>
      program.events.filter(
        ({ event, service }) => event === 'temporal_credentials_renewed' && service === 'worker',
      ).length;
    for (let renewal = 1; renewal <= 3; renewal += 1) {
      await issueClientCertificate();
      while (renewals() < renewal) {
        const { length: stored } = await system.storedOrderIds();
        await store(system, stored, 100);
      }
    }
    for (const part of ['bridge', 'worker'] as const) {
      expect(await program.http('GET', '/livez', part)).toMatchObject({ status: 200 });
    }
    expect(await program.end('SIGTERM')).toBe(0);
  });
});

describe('with API keys', () => {
  const apiKeys = createApiKeys();
  let system: TestSystem;
  let file: string;
  setUpAll(async (onUndo) => {
    const temporal = await startSecuredTemporal({ apiKeys });
    onUndo(() => temporal.remove());
    system = await createTestSystem({ securedTemporal: temporal });
    onUndo(() => system.close());
    const dir = mkdtempSync(path.join(tmpdir(), 'api-key-'));
    onUndo(() => {
      rmSync(dir, { recursive: true });
    });
    file = path.join(dir, 'key');
    const setup = await runCli(['setup', '--only', 'temporal'], {
      ...system.bridgeEnv,
      ...system.workerEnv,
      TEMPORAL_API_KEY: apiKeys.issue(['default:admin']),
    });
    expect(setup).toMatchObject({ exitCode: 0 });
  }, SERVER_START_TIMEOUT_MS);

  test('orders are started eagerly before and after the key is renewed, also when it was revoked', async () => {
    const useKeyOf = (namespace: string) => {
      writeFileSync(file, apiKeys.issue([`${namespace}:write`]));
    };
    useKeyOf('default');
    const program = await system.startBoth({ ...PATIENT, TEMPORAL_API_KEY_FILE: file });
    await storeEagerly(system, program);
    // As if its permission had been revoked.
    useKeyOf('other');
    await hasStatus(program, 'worker', 503);
    const waiting = orderId(20);
    await system.topic.send([{ key: waiting, value: orderText(waiting) }]);
    await hasStatus(program, 'bridge', 503);
    useKeyOf('default');
    await haveStatus(program, 200);
    await eventually(async () => {
      expect(await system.storedOrderIds()).toContain(waiting);
    });
    // For ten seconds after the last rejected start, none is eager.
    await eventually(() => storeEagerly(system, program));
    expect(await program.end('SIGTERM')).toBe(0);
  });
});
