import { EventEmitter, once } from 'node:events';
import { connect } from 'node:net';
import { Registry } from 'prom-client';
import {
  pathOf,
  startHttpEndpoint,
  type HttpEndpoint,
  type HttpEndpointOptions,
} from '../../../src/telemetry/http-endpoint.ts';
import { createHealth } from '../../../src/telemetry/health/health.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';

test('readiness and liveness each answer 503 with their own reasons as JSON', async () => {
  const health = createHealth();
  const endpoint = await startHttpEndpoint({
    host: '127.0.0.1',
    port: 0,
    portSetting: 'PORT',
    health,
    logger: silentLogger(),
    metrics: new Registry(),
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
  let endpoint: HttpEndpoint;
  const start = async (options: Partial<HttpEndpointOptions> = {}) => {
    endpoint = await startHttpEndpoint({
      ...{ host: '127.0.0.1', port: 0, portSetting: 'PORT', health: createHealth() },
      ...{ logger: silentLogger(), metrics: new Registry(), ...options },
    });
  };
  afterEach(() => endpoint.close());

  /** The status of the response to these bytes; undefined if there is none. */
  async function statusOf(request: string): Promise<number | undefined> {
    const socket = connect(endpoint.port, '127.0.0.1');
    socket.on('error', () => undefined);
    let answer = '';
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text));
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
  test.each<[string, string, string, Partial<HttpEndpointOptions>]>([
    ['an action', 'POST', '/resume', { actions: { resume: broken } }],
    [
      'a metric',
      'GET',
      '/metrics',
      { metrics: { contentType: Registry.PROMETHEUS_CONTENT_TYPE, metrics: broken } },
    ],
  ])('answers 500 if %s throws', async (_name, method, path, options) => {
    await start(options);
    const response = await fetch(`http://127.0.0.1:${endpoint.port}${path}`, { method });
    expect(response.status).toBe(500);
    expect(await response.json()).toEqual({ error: 'broken' });
  });
});

test('the path of a target excludes its query, and a target need not be a URL', () => {
  expect(['/livez?a=1', '/livez#a', '//x:99999/', undefined].map(pathOf)).toEqual([
    ...['/livez', '/livez', '//x:99999/', '/'],
  ]);
});
