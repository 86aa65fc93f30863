import { EventEmitter, once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { hostname } from 'node:os';
import { text } from 'node:stream/consumers';
import { connect } from 'node:net';
import { Registry } from 'prom-client';
import type { AccessRules } from '../../../src/http/access.ts';
import {
  startHealthEndpoint,
  type HealthEndpointOptions,
} from '../../../src/http/health-endpoint.ts';
import { pathOf, type HttpServer } from '../../../src/http/http-server.ts';
import { createHealth } from '../../../src/telemetry/health/health.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';

const OPEN: AccessRules = { token: undefined, asksForCertificates: false, hosts: [] };
const JSON_TYPE = { 'content-type': 'application/json' };

test('readiness and liveness each answer 503 with their own reasons as JSON', async () => {
  const health = createHealth();
  const endpoint = await startHealthEndpoint({
    host: '127.0.0.1',
    port: 0,
    portSetting: 'PORT',
    health,
    logger: silentLogger(),
    metrics: new Registry(),
    access: OPEN,
  });
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${endpoint.port}${path}`);
    return { status: response.status, body: await response.json() };
  };
  try {
    expect(await get('/livez')).toEqual({ status: 200, body: { status: 'alive' } });
    expect(await get('/readyz')).toEqual({ status: 200, body: { status: 'ready' } });
    health.readiness.fail('Temporal', 'refused');
    expect(await get('/livez')).toMatchObject({ status: 200 });
    expect(await get('/readyz')).toEqual({
      status: 503,
      body: { status: 'not ready', reasons: { Temporal: 'refused' } },
    });
    health.liveness.fail('consumer', 'silent');
    expect(await get('/livez')).toEqual({
      status: 503,
      body: { status: 'not alive', reasons: { consumer: 'silent' } },
    });
  } finally {
    await endpoint.close();
  }
});

describe('the HTTP endpoint', () => {
  let endpoint: HttpServer;
  const start = async (options: Partial<HealthEndpointOptions> = {}) => {
    endpoint = await startHealthEndpoint({
      ...{ host: '127.0.0.1', port: 0, portSetting: 'PORT', health: createHealth() },
      ...{ logger: silentLogger(), metrics: new Registry(), access: OPEN, ...options },
    });
  };
  afterEach(() => endpoint.close());

  /** The status of the response to these bytes; undefined if there is none. */
  async function statusOf(request: string): Promise<number | undefined> {
    const socket = connect(endpoint.port, '127.0.0.1');
    socket.on('error', () => undefined);
    let answer = '';
    socket.setEncoding('latin1').on('data', (part: string) => (answer += part));
    socket.write(request);
    await once(socket, 'close');
    const status = /^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1];
    return status === undefined ? undefined : Number(status);
  }
  const get = (target: string) =>
    statusOf(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
  const isAlive = async () => {
    const { status } = await fetch(`http://127.0.0.1:${endpoint.port}/livez`);
    return status === 200;
  };

  test.each(['//', '///', '//x:99999/', '/%', '/%00', '*', 'http://[', '/../livez', '/livez/'])(
    'answers 404 to the target %s',
    async (target) => {
      await start();
      expect(await get(target)).toBe(404);
      expect(await isAlive()).toBe(true);
    },
  );

  // Above Node's limit of 16 KiB, yet read at once: closing a connection with unread data resets it, and the
  // client may then lose the response.
  const TOO_LONG = 'a'.repeat(20_000);

  test.each([
    ['no HTTP', 'hello\r\n\r\n', 400],
    ['a target without a slash', 'GET \\ HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['an unknown method', 'BREW / HTTP/1.1\r\nHost: x\r\n\r\n', 400],
    ['huge headers', `GET / HTTP/1.1\r\nHost: x\r\nA: ${TOO_LONG}\r\n\r\n`, 431],
    ['a huge target', `GET /${TOO_LONG} HTTP/1.1\r\nHost: x\r\n\r\n`, 431],
    [
      'two lengths',
      'GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n',
      400,
    ],
    ['a tunnel', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n', undefined],
  ])('closes only the connection of a client that sends %s', async (_name, request, status) => {
    await start();
    expect(await statusOf(request)).toBe(status);
    expect(await isAlive()).toBe(true);
  });

  test('survives a client that disconnects before the response', async () => {
    let answer: (text: string) => void = () => undefined;
    const asked = new EventEmitter();
    const isAsked = once(asked, 'metrics');
    await start({
      metrics: {
        contentType: Registry.PROMETHEUS_CONTENT_TYPE,
        metrics() {
          asked.emit('metrics');
          return new Promise((resolve) => (answer = resolve));
        },
      },
    });
    const socket = connect(endpoint.port, '127.0.0.1');
    socket.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
    await isAsked;
    socket.resetAndDestroy();
    await once(socket, 'close');
    answer('x'.repeat(1_000_000));
    expect(await isAlive()).toBe(true);
  });

  const broken = () => {
    throw new Error('broken');
  };
  test.each<[string, string, string, Partial<HealthEndpointOptions>]>([
    ['an action', 'POST', '/resume', { actions: { resume: broken } }],
    [
      'a metric',
      'GET',
      '/metrics',
      { metrics: { contentType: Registry.PROMETHEUS_CONTENT_TYPE, metrics: broken } },
    ],
  ])('answers 500 if %s throws', async (_name, method, path, options) => {
    await start(options);
    const response = await fetch(`http://127.0.0.1:${endpoint.port}${path}`, {
      method,
      headers: JSON_TYPE,
    });
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('broken');
  });
});

describe('access to the HTTP endpoint', () => {
  const TOKEN = 'a-token-of-the-tests';
  const withToken: AccessRules = { ...OPEN, token: () => TOKEN };
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  /** The statuses and bodies of requests to an endpoint that is not ready. */
  async function withEndpoint(
    access: AccessRules,
    check: (
      request: (
        method: string,
        target: string,
        headers?: Readonly<Record<string, string>>,
      ) => Promise<{ status: number; body: string }>,
      resumed: () => number,
    ) => Promise<void>,
  ): Promise<void> {
    const health = createHealth();
    health.readiness.fail('Postgres', 'no password for user "app" at db.internal');
    let resumed = 0;
    const endpoint = await startHealthEndpoint({
      ...{
        host: '127.0.0.1',
        port: 0,
        portSetting: 'PORT',
        health,
        logger: silentLogger(),
        access,
      },
      metrics: new Registry(),
      actions: { resume: () => `resumed ${(resumed += 1)}` },
    });
    try {
      await check(
        async (method, target, headers = {}) => {
          // Not `fetch`, which does not let a caller set the header `host`.
          const sent = request({ host: '127.0.0.1', port: endpoint.port, path: target, method });
          for (const [name, value] of Object.entries(headers)) {
            if (value === '') sent.removeHeader(name);
            else sent.setHeader(name, value);
          }
          sent.end();
          const [response] = (await once(sent, 'response')) as [IncomingMessage];
          return { status: response.statusCode ?? 0, body: await text(response) };
        },
        () => resumed,
      );
    } finally {
      await endpoint.close();
    }
  }

  test.each<[string, Readonly<Record<string, string>>, number]>([
    ['a client on this host', JSON_TYPE, 200],
    ['a content type with a parameter', { 'content-type': 'application/json; charset=utf-8' }, 200],
    ['an accepted name', { ...JSON_TYPE, host: 'Bridge.orders:9464' }, 200],
    ['localhost', { ...JSON_TYPE, host: 'localhost:9464' }, 200],
    ['an IPv6 address', { ...JSON_TYPE, host: '[::1]:9464' }, 200],
    ['the name of this host', { ...JSON_TYPE, host: hostname() }, 200],
    ['no content type, as a form or a page may omit it', {}, 415],
    ['the content type of a form', { 'content-type': 'text/plain' }, 415],
    ['another JSON type', { 'content-type': 'application/json-seq' }, 415],
    ['a web page of another origin', { ...JSON_TYPE, origin: 'http://evil.example' }, 403],
    ['a sandboxed page', { ...JSON_TYPE, origin: 'null' }, 403],
    ['a page of its own origin', { ...JSON_TYPE, origin: 'http://127.0.0.1:9464' }, 403],
    ['a browser', { ...JSON_TYPE, 'sec-fetch-site': 'none' }, 403],
    ['a name that was rebound to this host', { ...JSON_TYPE, host: 'evil.example:9464' }, 403],
    ['a name that begins with an address', { ...JSON_TYPE, host: '127.0.0.1.evil.example' }, 403],
    ['a name that ends with an accepted one', { ...JSON_TYPE, host: 'x.bridge.orders' }, 403],
    ['a proxy on this host', { ...JSON_TYPE, 'x-forwarded-for': '192.0.2.1' }, 403],
  ])('POST /resume of %s', async (_name, headers, status) => {
    await withEndpoint({ ...OPEN, hosts: ['bridge.orders'] }, async (send, resumed) => {
      expect((await send('POST', '/resume', headers)).status).toBe(status);
      expect(resumed()).toBe(status === 200 ? 1 : 0);
    });
  });

  test('no other method and no preflight of a browser triggers an action', async () => {
    await withEndpoint(OPEN, async (send, resumed) => {
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS']) {
        expect((await send(method, '/resume', JSON_TYPE)).status).toBe(405);
      }
      expect(resumed()).toBe(0);
    });
  });

  test('with a token, an action needs it, and the other checks as well', async () => {
    await withEndpoint(withToken, async (send, resumed) => {
      const post = async (headers: Readonly<Record<string, string>>) =>
        (await send('POST', '/resume', { ...JSON_TYPE, ...headers })).status;
      expect(await post({})).toBe(401);
      expect(await post(bearer('another-token-12'))).toBe(401);
      expect(await post(bearer(TOKEN.slice(0, -1)))).toBe(401);
      expect(await post({ authorization: `Basic ${btoa(`x:${TOKEN}`)}` })).toBe(401);
      expect(await post({ ...bearer(TOKEN), origin: 'http://evil.example' })).toBe(403);
      expect(await post({ ...bearer(TOKEN), host: 'evil.example' })).toBe(403);
      expect(resumed()).toBe(0);
      expect(await post(bearer(TOKEN))).toBe(200);
      expect(resumed()).toBe(1);
    });
  });

  test('with a token, a stranger learns only whether the program is alive and ready', async () => {
    await withEndpoint(withToken, async (send) => {
      const ready = await send('GET', '/readyz');
      expect(ready.status).toBe(503);
      expect(ready.body).not.toMatch(/Postgres|app|internal/);
      expect((await send('GET', '/livez')).status).toBe(200);
      expect((await send('GET', '/metrics')).status).toBe(401);
      expect((await send('GET', '/metrics', bearer(TOKEN))).status).toBe(200);
      expect((await send('GET', '/readyz', bearer(TOKEN))).body).toContain('db.internal');
    });
  });

  test('without a token, the reasons are for clients on this host that are no web page', async () => {
    await withEndpoint(OPEN, async (send) => {
      expect((await send('GET', '/readyz')).body).toContain('db.internal');
      for (const headers of [{ host: 'evil.example' }, { 'x-forwarded-for': '192.0.2.1' }]) {
        const { status, body } = await send('GET', '/readyz', headers);
        expect(status).toBe(503);
        expect(body).not.toMatch(/Postgres|app|internal/);
      }
      // Prometheus may use any name.
      expect((await send('GET', '/metrics', { host: 'bridge-1:9464' })).status).toBe(200);
    });
  });

  test('a rotated token applies to the next request', async () => {
    let token = 'the-first-token-of-two';
    await withEndpoint({ ...OPEN, token: () => token }, async (send) => {
      const metrics = async (given: string) =>
        (await send('GET', '/metrics', bearer(given))).status;
      expect(await metrics('the-first-token-of-two')).toBe(200);
      token = 'the-second-token-of-two';
      expect(await metrics('the-first-token-of-two')).toBe(401);
      expect(await metrics('the-second-token-of-two')).toBe(200);
    });
  });

  test('a token that cannot be read refuses access and does not fail the probes', async () => {
    const token = () => {
      throw new Error('/run/secrets/token is missing');
    };
    await withEndpoint({ ...OPEN, token }, async (send) => {
      const { status, body } = await send('GET', '/metrics', bearer(TOKEN));
      expect(status).toBe(500);
      expect(body).not.toContain('/run/secrets');
      expect((await send('GET', '/livez')).status).toBe(200);
      expect((await send('GET', '/readyz')).status).toBe(503);
    });
  });
});

test('the path of a target excludes its query, and a target need not be a URL', () => {
  expect(['/livez?a=1', '/livez#a', '//x:99999/', undefined].map(pathOf)).toEqual([
    ...['/livez', '/livez', '//x:99999/', '/'],
  ]);
});
