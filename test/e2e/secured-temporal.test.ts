import path from 'node:path';
import { issueCertificate } from '../../dev/stack/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { runCli, type ProgramEnv, type RunningProgram } from '../support/programs.ts';
import {
  clientEnv,
  startSecuredTemporal,
  type SecuredTemporal,
} from '../support/secured-temporal.ts';
import { setUpAll } from '../support/set-up.ts';
import { stackAddress } from '../support/stack.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import { SERVER_START_TIMEOUT_MS } from '../support/temporal-on-postgres.ts';

let temporal: SecuredTemporal;
let system: TestSystem;
let proxy: TcpProxy;
/** All settings of every program, with valid certificates. */
let env: ProgramEnv;

setUpAll(async (onUndo) => {
  temporal = await startSecuredTemporal();
  onUndo(() => temporal.remove());
  system = await createTestSystem({ securedTemporal: temporal });
  onUndo(() => system.close());
  proxy = await startTcpProxy(temporal.address);
  onUndo(() => proxy.close());
  env = { ...system.bridgeEnv, ...system.workerEnv, ...clientEnv(temporal, 'client-operator') };
}, SERVER_START_TIMEOUT_MS);

test('every command connects with a client certificate', async () => {
  expect(await runCli(['setup', '--only', 'temporal'], env)).toMatchObject({ exitCode: 0 });
  const { stdout } = await runCli(['doctor'], env);
  expect(stdout).toContain('✔ Temporal: search attributes');
  expect(await runCli(['orders', 'list'], env)).toMatchObject({ exitCode: 0, stderr: '' });
});

test('a connection that the server refuses is reported with its cause', async () => {
  const { certificates } = temporal;
  const ca = (name: string) => ({
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: path.join(certificates, `${name}.crt`),
  });
  const noClient = { TEMPORAL_TLS_CLIENT_CERT_PATH: '', TEMPORAL_TLS_CLIENT_KEY_PATH: '' };
  const setup = ['setup', '--only', 'temporal'];
  const faults: [readonly string[], ProgramEnv, string, RegExp][] = [
    [['bridge'], noClient, 'TEMPORAL_CLIENT_CERTIFICATE_REJECTED', /none is set/],
    [['worker'], noClient, 'TEMPORAL_CLIENT_CERTIFICATE_REJECTED', /none is set/],
    [
      setup,
      clientEnv(temporal, 'client-expired'),
      'TEMPORAL_CLIENT_CERTIFICATE_REJECTED',
      /client-expired\.crt\), which expired at 20/,
    ],
    [
      setup,
      clientEnv(temporal, 'client-other-ca'),
      'TEMPORAL_CLIENT_CERTIFICATE_REJECTED',
      /client-other-ca\.crt\), which CN=other-ca has signed/,
    ],
    [setup, ca('other-ca'), 'TEMPORAL_SERVER_CERTIFICATE_INVALID', /not signed .*other-ca\.crt/],
    [
      setup,
      { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '' },
      'TEMPORAL_SERVER_CERTIFICATE_INVALID',
      /not signed by an authority that Node\.js trusts/,
    ],
    [
      setup,
      { TEMPORAL_TLS_SERVER_NAME: 'temporal.example.org' },
      'TEMPORAL_SERVER_CERTIFICATE_INVALID',
      /localhost.*not for "temporal\.example\.org"/,
    ],
    [
      setup,
      { ...noClient, TEMPORAL_TLS_SERVER_CA_CERT_PATH: '', TEMPORAL_TLS: 'false' },
      'TEMPORAL_TLS_REQUIRED',
      /expects TLS/,
    ],
    [
      setup,
      { TEMPORAL_ADDRESS: stackAddress('TEMPORAL_ADDRESS') },
      'TEMPORAL_TLS_NOT_SUPPORTED',
      /does not use TLS/,
    ],
  ];
  await Promise.all(
    faults.map(async ([command, changed, code, cause]) => {
      const { exitCode, stderr } = await runCli(command, { ...env, ...changed });
      expect({ command, exitCode, stderr }).toMatchObject({
        exitCode: 1,
        stderr: expect.stringContaining(`order-ingest: ${code}: `) as string,
      });
      expect(stderr).toMatch(cause);
      expect(stderr).toContain('Fix: ');
    }),
  );
});

test('a renewed certificate is used without a restart, and no order is lost', async () => {
  const renewing = clientEnv(temporal, 'client-renewing');
  const issue = (validUntil: Date) =>
    issueCertificate(temporal.certificates, {
      name: 'client-renewing',
      commonName: 'bridge',
      validUntil,
    });
  const expiry = Date.now() + 15_000;
  await issue(new Date(expiry));
  const programEnv = { ...renewing, TEMPORAL_ADDRESS: `localhost:${proxy.port}` };
  const programs = await Promise.all([
    system.startBridge(programEnv),
    system.startWorker(programEnv),
  ]);
  const load = startLoad();

  // The connections that are open outlive the certificate. New ones do not.
  await eventually(() => {
    expect(Date.now()).toBeGreaterThan(expiry);
  });
  await reconnect();
  await Promise.all(
    programs.map((program) =>
      eventually(async () => {
        const { status, body } = await program.http('GET', '/readyz');
        expect(status).toBe(503);
        expect(body).toMatch(/client-renewing\.crt.* expired at /);
      }),
    ),
  );

  const inAMonth = new Date(Date.now() + 30 * 86_400_000);
  await issue(inAMonth);
  await allReady(programs);

  // Before the certificates expire, on both sides.
  await issue(inAMonth);
  await issueCertificate(temporal.certificates, {
    name: 'server',
    commonName: 'localhost',
    hosts: ['localhost'],
  });
  const isRenewedTwice = ({ events }: RunningProgram) =>
    events.filter(({ event }) => event === 'temporal_credentials_renewed').length >= 2;
  await eventually(() => {
    expect(programs.every(isRenewedTwice)).toBe(true);
  });
  await reconnect();
  await allReady(programs);
  const sent = await load.stop();
  await eventually(async () => {
    expect(await system.storedOrderIds()).toEqual(sent);
  });
  await system.allCommitted();
  expect(sent.length).toBeGreaterThan(20);
});

async function reconnect(): Promise<void> {
  await proxy.cut();
  await proxy.restore();
}

const allReady = (programs: readonly RunningProgram[]) =>
  Promise.all(
    programs.map((program) =>
      eventually(async () => {
        const { status, body } = await program.http('GET', '/readyz');
        expect({ status, body }).toMatchObject({ status: 200 });
      }),
    ),
  );

/** Sends an order every 100 ms. `stop` returns the IDs of those that were sent. */
function startLoad(): { stop(): Promise<readonly string[]> } {
  const sent: string[] = [];
  const sending: Promise<unknown>[] = [];
  const timer = setInterval(() => {
    const id = `a-${String(sent.length).padStart(5, '0')}`;
    sent.push(id);
    sending.push(system.topic.send([{ key: id, value: orderText(id) }]));
  }, 100);
  return {
    async stop() {
      clearInterval(timer);
      await Promise.all(sending);
      return sent;
    },
  };
}
