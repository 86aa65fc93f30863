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
/** A bridge and a worker that connect through the proxy, with a certificate of their own. */
let programs: readonly RunningProgram[];

/** Long enough for the programs to begin to use it, and less than `eventually` waits. */
const SHORT_CERTIFICATE_MS = 20_000;

setUpAll(async (onUndo) => {
  temporal = await startSecuredTemporal();
  onUndo(() => temporal.remove());
  system = await createTestSystem({ securedTemporal: temporal });
  onUndo(() => system.close());
  proxy = await startTcpProxy(temporal.address);
  onUndo(() => proxy.close());
  env = { ...system.bridgeEnv, ...system.workerEnv, ...clientEnv(temporal, 'client-operator') };
  expect(await runCli(SETUP, env)).toMatchObject({ exitCode: 0 });
  await issueClientCertificate(inAMonth());
  const renewing = {
    ...clientEnv(temporal, 'client-renewing'),
    TEMPORAL_ADDRESS: `localhost:${proxy.port}`,
  };
  programs = await Promise.all([system.startBridge(renewing), system.startWorker(renewing)]);
}, SERVER_START_TIMEOUT_MS);

const SETUP = ['setup', '--only', 'temporal'];

const inAMonth = () => new Date(Date.now() + 30 * 86_400_000);

const issueClientCertificate = (validUntil: Date) =>
  issueCertificate(temporal.certificates, {
    name: 'client-renewing',
    commonName: 'bridge',
    validUntil,
  });

test('every command connects with a client certificate', async () => {
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
  const faults: [readonly string[], ProgramEnv, string, RegExp][] = [
    [['bridge'], noClient, 'TEMPORAL_CLIENT_CERTIFICATE_REJECTED', /none is set/],
    [['worker'], noClient, 'TEMPORAL_CLIENT_CERTIFICATE_REJECTED', /none is set/],
    [
      SETUP,
      clientEnv(temporal, 'client-expired'),
      'TEMPORAL_CLIENT_CERTIFICATE_REJECTED',
      /client-expired\.crt\), which expired at 20/,
    ],
    [
      SETUP,
      clientEnv(temporal, 'client-other-ca'),
      'TEMPORAL_CLIENT_CERTIFICATE_REJECTED',
      /client-other-ca\.crt\), which CN=other-ca has signed/,
    ],
    [SETUP, ca('other-ca'), 'TEMPORAL_SERVER_CERTIFICATE_INVALID', /not signed .*other-ca\.crt/],
    [
      SETUP,
      { TEMPORAL_TLS_SERVER_CA_CERT_PATH: '' },
      'TEMPORAL_SERVER_CERTIFICATE_INVALID',
      /not signed by an authority that Node\.js trusts/,
    ],
    [
      SETUP,
      { TEMPORAL_TLS_SERVER_NAME: 'temporal.example.org' },
      'TEMPORAL_SERVER_CERTIFICATE_INVALID',
      /localhost.*not for "temporal\.example\.org"/,
    ],
    [
      SETUP,
      { ...noClient, TEMPORAL_TLS_SERVER_CA_CERT_PATH: '', TEMPORAL_TLS: 'false' },
      'TEMPORAL_TLS_REQUIRED',
      /expects TLS/,
    ],
    [
      SETUP,
      { TEMPORAL_ADDRESS: stackAddress('TEMPORAL_ADDRESS') },
      'TEMPORAL_TLS_NOT_SUPPORTED',
      /does not use TLS/,
    ],
  ];
  for (const some of [faults.slice(0, 3), faults.slice(3, 6), faults.slice(6)]) {
    await Promise.all(
      some.map(async ([command, changed, code, cause]) => {
        const { exitCode, stderr } = await runCli(command, { ...env, ...changed });
        expect({ command, exitCode, stderr }).toMatchObject({
          exitCode: 1,
          stderr: expect.stringContaining(`order-ingest: ${code}: `) as string,
        });
        expect(stderr).toMatch(cause);
        expect(stderr).toContain('Fix: ');
      }),
    );
  }
});

test('a renewed certificate is used without a restart, and no order is lost', async () => {
  const load = startLoad();
  const expiry = Date.now() + SHORT_CERTIFICATE_MS;
  await issueClientCertificate(new Date(expiry));
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

  await issueClientCertificate(inAMonth());
  await allReady();

  // Before the certificates expire, on both sides.
  const renewals = programs.map(renewalsOf);
  await issueClientCertificate(inAMonth());
  await issueCertificate(temporal.certificates, {
    name: 'server',
    commonName: 'localhost',
    hosts: ['localhost'],
  });
  await eventually(() => {
    expect(programs.every((program, n) => renewalsOf(program) > (renewals[n] ?? 0))).toBe(true);
  });
  await reconnect();
  await allReady();
  const sent = await load.stop();
  await eventually(async () => {
    expect(await system.storedOrderIds()).toEqual(sent);
  });
  await system.allCommitted();
  expect(sent.length).toBeGreaterThan(20);
});

const renewalsOf = ({ events }: RunningProgram): number =>
  events.filter(({ event }) => event === 'temporal_credentials_renewed').length;

async function reconnect(): Promise<void> {
  await proxy.cut();
  await proxy.restore();
}

const allReady = () =>
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
