import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createCertificates } from '../../dev/stack/certificates.ts';
import { sendRequest, type HttpTarget } from '../../src/http/http-client.ts';
import { eventually } from '../support/eventually.ts';
import { runCli, type RunningProgram } from '../support/programs.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

let system: TestSystem;
let folder: string;
const file = (name: string) => path.join(folder, name);
const pem = (name: string) => readFileSync(file(name), 'utf8');

beforeEach(async () => {
  system = await createTestSystem({ partitions: 1 });
  folder = mkdtempSync(path.join(tmpdir(), 'http-endpoint-'));
  await createCertificates(folder);
  useCertificate('server');
  writeFileSync(file('token'), 'the-first-token-of-two\n');
});
afterEach(async () => {
  await system.close();
  rmSync(folder, { recursive: true });
});

function useCertificate(name: string): void {
  copyFileSync(file(`${name}.key`), file('tls.key'));
  copyFileSync(file(`${name}.crt`), file('tls.crt'));
}

const securedEnv = (program: 'BRIDGE' | 'WORKER') => ({
  [`${program}_HTTP_TOKEN_FILE`]: file('token'),
  [`${program}_HTTP_TLS_CERT_FILE`]: file('tls.crt'),
  [`${program}_HTTP_TLS_KEY_FILE`]: file('tls.key'),
});

async function portOf(program: RunningProgram): Promise<string> {
  return String((await program.logged('http_listening'))['port']);
}

async function status(target: Omit<HttpTarget, 'ca'>, requested: string): Promise<number> {
  return (await sendRequest('GET', requested, { ...target, ca: pem('ca.crt') }, 60_000)).status;
}

test('with a token and TLS, probes, metrics and the tools work, and both are renewed without a restart', async () => {
  const [bridge, worker] = await Promise.all([
    system.startBridge({ ...securedEnv('BRIDGE'), BRIDGE_BREAKER_WINDOW: '10' }),
    system.startWorker(securedEnv('WORKER')),
  ]);
  const [port, workerPort] = await Promise.all([portOf(bridge), portOf(worker)]);
  const token = 'the-first-token-of-two';
  for (const url of [`https://127.0.0.1:${port}`, `https://localhost:${workerPort}`]) {
    expect(await status({ url }, '/livez')).toBe(200);
    expect(await status({ url }, '/metrics')).toBe(401);
    expect(await status({ url, token }, '/metrics')).toBe(200);
  }

  await system.topic.send(Array.from({ length: 12 }, () => ({ key: 'bad', value: 'not JSON' })));
  await bridge.logged('circuit_breaker_open');
  const env = { ...system.bridgeEnv, ...system.workerEnv, BRIDGE_HTTP_PORT: port };
  const refused = await runCli(['resume', '--json'], {
    ...env,
    BRIDGE_HTTP_TLS_CERT_FILE: file('tls.crt'),
  });
  expect(refused.exitCode).toBe(1);
  expect(JSON.parse(refused.stdout)).toMatchObject({ error: expect.stringContaining('401') });
  // In the pod of the bridge, with its settings.
  const resumed = await runCli(['resume', '--json'], { ...env, ...securedEnv('BRIDGE') });
  expect(resumed).toMatchObject({ exitCode: 0, stderr: '' });
  expect(JSON.parse(resumed.stdout)).toMatchObject({ done: expect.stringMatching(/.+/) });
  await bridge.logged('resumed');

  // From another machine, with the token and the authority.
  const url = `https://localhost:${port}`;
  // `top` gives the bridge one second.
  await eventually(async () => {
    const top = await runCli(
      [
        ...['top', '--json', '--count', '1', '--interval', '1'],
        ...['--bridge', url, '--bridge-ca', file('ca.crt')],
      ],
      { ...env, BRIDGE_HTTP_TOKEN_FILE: file('token') },
    );
    expect(JSON.parse(top.stdout)).toMatchObject({ bridges: [{ url, isReady: true }] });
  });

  writeFileSync(file('token'), 'the-second-token-of-two');
  useCertificate('server-renewed');
  expect(await status({ url, token }, '/metrics')).toBe(401);
  expect(await status({ url, token: 'the-second-token-of-two' }, '/metrics')).toBe(200);
  await bridge.logged('http_certificate_renewed');
  await eventually(async () => {
    const renewed = { url, certificate: pem('server-renewed.crt') };
    expect((await sendRequest('GET', '/readyz', renewed, 60_000)).status).toBe(200);
  });
});

test('a certificate or token that cannot be used is named at start', async () => {
  const cases = [
    [{ BRIDGE_HTTP_TLS_CERT_FILE: file('tls.crt') }, 'SETTINGS_INVALID'],
    [{ BRIDGE_HTTP_TOKEN: 'too-short' }, 'SETTINGS_INVALID'],
    [
      { ...securedEnv('BRIDGE'), BRIDGE_HTTP_TLS_KEY_FILE: file('server-renewed.key') },
      'HTTP_CERTIFICATE_UNUSABLE',
    ],
    [{ ...securedEnv('BRIDGE'), BRIDGE_HTTP_TLS_CERT_FILE: file('none.crt') }, 'FILE_UNREADABLE'],
  ] as const;
  for (const [env, code] of cases) {
    const { exitCode, stderr } = await runCli(['bridge'], { ...system.bridgeEnv, ...env });
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringContaining(`order-ingest: ${code}: `),
    });
    expect(stderr).not.toContain('too-short');
  }
});
