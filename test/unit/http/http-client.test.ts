import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createCertificates } from '../../../dev/stack/certificates.ts';
import { sendRequest } from '../../../src/http/http-client.ts';
import { sendJson, startHttpServer, type HttpServer } from '../../../src/http/http-server.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';

let folder: string;
let server: HttpServer;
const seen: (string | undefined)[] = [];
const pem = (name: string) => readFileSync(path.join(folder, name), 'utf8');
const target = () => ({ url: `https://127.0.0.1:${server.port}`, token: 'the-token-of-the-test' });

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'http-client-'));
  await createCertificates(folder);
  server = await startHttpServer({
    ...{ host: '127.0.0.1', port: 0, portSetting: 'PORT', purpose: 'A test' },
    logger: silentLogger(),
    certificate: () => ({ cert: pem('wrong-name.crt'), key: pem('wrong-name.key') }),
    answer: ({ headers }, response) => {
      seen.push(headers.authorization);
      sendJson(response, 200, {});
    },
  });
});
beforeEach(() => {
  seen.length = 0;
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true });
});

test('accepts the own certificate of the server, whatever its name and authority', async () => {
  const certificate = pem('wrong-name.crt');
  const answer = await sendRequest('POST', '/resume', { ...target(), certificate }, 60_000);
  expect(answer.status).toBe(200);
  expect(seen).toEqual(['Bearer the-token-of-the-test']);
});

test.each([
  ['has another certificate', () => ({ certificate: pem('server.crt') })],
  ['has another name', () => ({ ca: pem('ca.crt') })],
  ['is signed by an unknown authority', () => ({})],
])('sends no token to a server that %s', async (_name, trust) => {
  await expect(sendRequest('GET', '/', { ...target(), ...trust() }, 60_000)).rejects.toThrow(
    /certificate|altnames/i,
  );
  expect(seen).toEqual([]);
});

test('gives up on a server that does not answer', async () => {
  const silent = createServer();
  silent.listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const address = silent.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const url = `http://127.0.0.1:${port ?? ''}`;
  try {
    await expect(sendRequest('GET', '/', { url }, 100)).rejects.toThrow('no answer within 0.1 s');
  } finally {
    silent.close();
  }
});
