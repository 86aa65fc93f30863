import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createTcpServer } from 'node:net';
import { createSecureServer, createServer } from 'node:http2';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { once } from 'node:events';
import { createCertificates } from '../../../dev/stack/certificates.ts';
import { explainFailure } from '../../../src/temporal/connection-failure.ts';
import { readConnectionSettings } from '../../../src/temporal/connection-settings.ts';

const dir = mkdtempSync(path.join(tmpdir(), 'connection-failure-'));
const file = (name: string) => path.join(dir, name);
const servers: Server[] = [];
beforeAll(() => createCertificates(dir));
afterAll(() => {
  for (const server of servers) server.close();
  rmSync(dir, { recursive: true });
});

async function listen(server: Server): Promise<string> {
  servers.push(server);
  server.on('connection', (socket) => socket.unref()).unref();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return `localhost:${typeof address === 'object' && address ? address.port : 0}`;
}

const tlsServer = (name: string, options: { requestCert?: boolean } = {}) =>
  listen(
    createSecureServer({
      cert: readFileSync(file(`${name}.crt`)),
      key: readFileSync(file(`${name}.key`)),
      ca: readFileSync(file('ca.crt')),
      rejectUnauthorized: options.requestCert === true,
      ...options,
    }),
  );

const CA = () => ({ TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ca.crt') });

/** What the SDK throws when it cannot connect. */
const DEADLINE = new Error('Failed to connect before the deadline');

async function explain(address: string, env: Record<string, string>) {
  const given = { HOME: dir, TEMPORAL_ADDRESS: address, ...env };
  const settings = readConnectionSettings(given);
  return explainFailure({ ...settings, read: () => readConnectionSettings(given) }, DEADLINE);
}

test.each([
  ['expired', 'TEMPORAL_SERVER_CERTIFICATE_INVALID', /valid from .* to .*CERT_HAS_EXPIRED/],
  ['wrong-name', 'TEMPORAL_SERVER_CERTIFICATE_INVALID', /kafka\.example\.org.*not for "localhost"/],
  ['server-other-ca', 'TEMPORAL_SERVER_CERTIFICATE_INVALID', /not signed by an authority of/],
])('names what is wrong with the certificate of a server: %s', async (name, code, cause) => {
  const error = await explain(await tlsServer(name), CA());
  expect(error).toMatchObject({ code, cause: DEADLINE });
  expect(error.message).toMatch(cause);
});

test('says so when a server without TLS is reached with TLS', async () => {
  const error = await explain(await listen(createServer()), CA());
  expect(error.code).toBe('TEMPORAL_TLS_NOT_SUPPORTED');
});

test('says so when a server with TLS is reached without', async () => {
  for (const requestCert of [true, false]) {
    const error = await explain(await tlsServer('server', { requestCert }), {});
    expect(error.code).toBe('TEMPORAL_TLS_REQUIRED');
  }
});

test('says so when the server is not one of HTTP/2', async () => {
  const address = await listen(createTcpServer((socket) => socket.end('SSH-2.0-OpenSSH\r\n')));
  const error = await explain(address, {});
  expect(error.code).toBe('TEMPORAL_UNREACHABLE');
  expect(error.message).toContain('not HTTP/2');
});

test('names a host that does not exist, and a port that is closed', async () => {
  const closed = createTcpServer();
  const address = await listen(closed);
  closed.close();
  await once(closed, 'close');
  expect((await explain(address, {})).message).toContain('ECONNREFUSED');
  // A resolver may not respond at all.
  const unknown = await explain('temporal.invalid:7233', {});
  expect(unknown.message).toMatch(/ENOTFOUND|EAI_AGAIN|no answer/);
});

test('leaves the error alone when the connection can be opened', async () => {
  const error = await explain(await tlsServer('server'), CA());
  expect(error.code).toBe('TEMPORAL_UNREACHABLE');
  expect(error.message).toContain(DEADLINE.message);
});
