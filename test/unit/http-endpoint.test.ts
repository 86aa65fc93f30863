import { Registry } from 'prom-client';
import { startHttpEndpoint } from '../../src/telemetry/http-endpoint.ts';
import { createReadiness } from '../../src/telemetry/readiness.ts';

test('health is 503 with the reasons as JSON, each for itself', async () => {
  const readiness = createReadiness();
  let stuck: Record<string, string> = {};
  const endpoint = await startHttpEndpoint({
    host: '127.0.0.1',
    port: 0,
    portSetting: 'PORT',
    readiness,
    stuck: () => stuck,
    metrics: new Registry(),
  });
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${endpoint.port}${path}`);
    return { status: response.status, body: await response.json() };
  };
  try {
    expect(await get('/livez')).toEqual({ status: 200, body: { status: 'alive' } });
    expect(await get('/readyz')).toEqual({ status: 200, body: { status: 'ready' } });
    readiness.report('Temporal', 'away');
    expect(await get('/livez')).toMatchObject({ status: 200 });
    expect(await get('/readyz')).toEqual({
      status: 503,
      body: { status: 'not ready', reasons: { Temporal: 'away' } },
    });
    stuck = { consumer: 'silent' };
    expect(await get('/livez')).toEqual({
      status: 503,
      body: { status: 'not alive', reasons: { consumer: 'silent' } },
    });
  } finally {
    await endpoint.close();
  }
});
