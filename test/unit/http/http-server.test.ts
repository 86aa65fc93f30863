import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { createCertificates, issueCertificate } from '../../../dev/stack/certificates.ts';
import { isTrusted } from '../../../src/http/access.ts';
import { MAX_CONNECTIONS } from '../../../src/http/connection-limit.ts';
import {
  sendJson,
  startHttpServer,
  type HttpServer,
  type HttpServerOptions,
} from '../../../src/http/http-server.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { eventually } from '../../support/eventually.ts';
import { createManualClock } from '../../support/manual-clock.ts';

let server: HttpServer;
const sockets = new Set<Socket>();

async function start(options: Partial<HttpServerOptions> = {}): Promise<void> {
  server = await startHttpServer({
    ...{ host: '0.0.0.0', port: 0, portSetting: 'PORT', purpose: 'A test' },
    logger: silentLogger(),
    answer: (request, response) => {
      const isAuthorized = 'authorized' in request.socket && request.socket.authorized;
      sendJson(response, 200, { isAuthorized });
    },
    ...options,
  });
}

function open(localAddress = '127.0.0.1'): Socket {
  const socket = connect({ port: server.port, host: '127.0.0.1', localAddress });
  // A socket closes only once what the server has sent is read, such as a 408 to a silent client.
  socket.resume();
  // Strangers' connections are reset when the server closes them.
  socket.on('error', () => undefined);
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
  return socket;
}

async function probe(localAddress: string): Promise<number | undefined> {
  const request = httpRequest({
    ...{ port: server.port, host: '127.0.0.1', localAddress, path: '/livez' },
    // A new connection each time, as the kubelet opens.
    agent: false,
  }).end();
  const [response] = (await once(request, 'response')) as [{ statusCode?: number; resume(): void }];
  response.resume();
  return response.statusCode;
}

afterEach(async () => {
  await server.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
});

test.each([
  ['of the same address', '127.0.0.1'],
  ['of another address', '127.0.0.2'],
])('ten thousand idle connections do not keep out a probe %s', async (_name, address) => {
  await start();
  const statuses = new Set<number | undefined>();
  for (let batch = 0; batch < 100; batch += 1) {
    const opened = Array.from({ length: 100 }, () => open());
    await Promise.all(opened.map((socket) => once(socket, 'connect')));
    statuses.add(await probe(address));
  }
  expect(statuses).toEqual(new Set([200]));
  // The server has closed the oldest.
  while (sockets.size > MAX_CONNECTIONS) await setImmediate();
  expect(sockets.size).toBeGreaterThan(0);
});

test('a stranger with many connections does not cost another client its connection', async () => {
  await start();
  const other = open('127.0.0.2');
  await once(other, 'connect');
  // No more: for as long as this takes, the other client is silent, which the server allows for 5 s.
  for (let strangers = 0; strangers < MAX_CONNECTIONS + 100; strangers += 100) {
    const opened = Array.from({ length: 100 }, () => open());
    await Promise.all(opened.map((socket) => once(socket, 'connect')));
  }
  while (sockets.size > MAX_CONNECTIONS) await setImmediate();
  expect(sockets.has(other)).toBe(true);
  other.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  const [answer] = (await once(other, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 200/);
});

describe('with TLS', () => {
  let folder: string;
  const file = (name: string) => path.join(folder, name);
  const pem = (name: string) => readFileSync(file(name), 'utf8');
  const certificate = () => ({ cert: pem('tls.crt'), key: pem('tls.key'), ca: pem('ca.crt') });

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'http-server-'));
    await createCertificates(folder);
  });
  beforeEach(() => {
    use('server');
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  function use(name: string): void {
    copyFileSync(file(`${name}.key`), file('tls.key'));
    copyFileSync(file(`${name}.crt`), file('tls.crt'));
  }

  async function get(options: RequestOptions = {}): Promise<{ serial: string; body: string }> {
    const request = httpsRequest({
      ...{ host: '127.0.0.1', port: server.port, ca: pem('ca.crt') },
      // No session is resumed: the certificate is sent each time.
      agent: new Agent({ maxCachedSessions: 0 }),
      ...options,
    }).end();
    const [response] = (await once(request, 'response')) as [
      AsyncIterable<Buffer> & { socket: TLSSocket },
    ];
    const serial = response.socket.getPeerCertificate().serialNumber;
    let body = '';
    for await (const part of response) body += part.toString();
    return { serial, body };
  }

  test('serves clients that trust its authority, and recognizes their certificates', async () => {
    await start({ certificate });
    expect((await get()).body).toBe('{"isAuthorized":false}\n');
    const as = (name: string) => ({ cert: pem(`${name}.crt`), key: pem(`${name}.key`) });
    expect((await get(as('client-operator'))).body).toBe('{"isAuthorized":true}\n');
    for (const name of ['client-expired', 'client-other-ca']) {
      expect((await get(as(name))).body).toBe('{"isAuthorized":false}\n');
    }
    await expect(get({ ca: pem('other-ca.crt') })).rejects.toThrow(/certificate/);
  });

  test('does not trust a client without a certificate that resumes its session', async () => {
    const rules = { token: undefined, asksForCertificates: true, hosts: [] };
    await start({
      certificate,
      answer: (request, response) => {
        sendJson(response, 200, { isTrusted: isTrusted(request, rules) });
      },
    });
    // Sessions are cached: the second connection resumes the first.
    const agent = new Agent();
    expect((await get({ agent })).body).toBe('{"isTrusted":false}\n');
    expect((await get({ agent })).body).toBe('{"isTrusted":false}\n');
    const certified = { cert: pem('client-operator.crt'), key: pem('client-operator.key') };
    const other = new Agent();
    expect((await get({ agent: other, ...certified })).body).toBe('{"isTrusted":true}\n');
    expect((await get({ agent: other, ...certified })).body).toBe('{"isTrusted":true}\n');
  });

  test('uses a renewed certificate without a restart', async () => {
    const clock = createManualClock();
    await start({ certificate, clock });
    const before = await get();
    await issueCertificate(folder, {
      ...{ name: 'renewed', commonName: 'localhost', hosts: ['127.0.0.1'] },
    });
    use('renewed');
    clock.advance(10_000);
    const after = await get();
    expect(after.serial).not.toBe(before.serial);
  });

  test('keeps its certificate while the renewed one cannot be used', async () => {
    const clock = createManualClock();
    await start({ certificate, clock });
    const before = await get();
    // Only one of the two files is new.
    copyFileSync(file('server-renewed.crt'), file('tls.crt'));
    clock.advance(10_000);
    expect((await get()).serial).toBe(before.serial);
    writeFileSync(file('tls.crt'), 'not a certificate');
    clock.advance(10_000);
    rmSync(file('tls.key'));
    clock.advance(10_000);
    expect((await get()).serial).toBe(before.serial);
    use('server-renewed');
    clock.advance(10_000);
    expect((await get()).serial).not.toBe(before.serial);
  });

  test('serves with an expired certificate, so that orders are processed', async () => {
    use('expired');
    await start({ certificate });
    expect((await get({ rejectUnauthorized: false })).body).toContain('isAuthorized');
  });

  test.each([
    ['a key of another certificate', 'server', 'server-renewed'],
    ['a key with a passphrase', 'client-passphrase', 'client-passphrase'],
  ])('refuses to start with %s', async (_name, cert, key) => {
    await start();
    const wrong = () => ({ cert: pem(`${cert}.crt`), key: pem(`${key}.key`) });
    await expect(
      startHttpServer({
        ...{ host: '127.0.0.1', port: 0, portSetting: 'PORT', purpose: 'A test' },
        ...{ logger: silentLogger(), answer: () => undefined, certificate: wrong },
      }),
    ).rejects.toMatchObject({ code: 'HTTP_CERTIFICATE_UNUSABLE' });
  });

  test('closes only the connection of a client that sends plain text', async () => {
    await start({ certificate });
    const socket = open();
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'close');
    expect((await get()).body).toContain('isAuthorized');
  });

  test('connections without a handshake do not keep out others', async () => {
    await start({ certificate });
    for (let batch = 0; batch < 20; batch += 1) {
      const opened = Array.from({ length: 100 }, () => open());
      await Promise.all(opened.map((socket) => once(socket, 'connect')));
      expect((await get()).body).toContain('isAuthorized');
    }
  });

  test('idle TLS connections are closed before those of others are refused', async () => {
    await start({ certificate });
    const secured: TLSSocket[] = [];
    while (secured.length < MAX_CONNECTIONS + 50) {
      // Few at a time: a handshake may take five seconds, also on a busy machine.
      const opened = Array.from({ length: 10 }, () =>
        connectTls({ port: server.port, host: '127.0.0.1', ca: pem('ca.crt') }),
      );
      // One that lasts longer than the server waits for a request gets an answer, and ends once that is read.
      for (const socket of opened) socket.on('error', () => undefined).resume();
      await Promise.all(opened.map((socket) => once(socket, 'secureConnect')));
      secured.push(...opened);
    }
    expect((await get()).body).toContain('isAuthorized');
    await eventually(() => {
      const remaining = secured.filter(({ destroyed }) => !destroyed);
      expect(remaining.length).toBeLessThanOrEqual(MAX_CONNECTIONS);
    });
    for (const socket of secured) socket.destroy();
  });
});
