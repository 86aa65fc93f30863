import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { metricValue } from '../support/metrics.ts';
import type { ProgramEnv, RunningProgram } from '../support/programs.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const ORDERS = 300;
const WINDOW = 20;
const MAX_OPEN = 40;

let system: TestSystem;
beforeEach(async () => {
  system = await createTestSystem();
});
afterEach(() => system.close());

const send = () =>
  system.topic.send(
    Array.from({ length: ORDERS }, (_, n) => ({ key: `${n}`, value: orderText(`order-${n}`) })),
  );
const start = (env: { bridge?: ProgramEnv; worker: ProgramEnv }) =>
  system.startPair({
    bridge: {
      BRIDGE_MAX_WAITING_ORDERS: String(WINDOW),
      BRIDGE_MAX_CONCURRENT_STARTS: '5',
      ...env.bridge,
    },
    worker: env.worker,
  });

async function metric(bridge: RunningProgram, series: string): Promise<number> {
  const { body } = await bridge.http('GET', '/metrics');
  return metricValue(body, series);
}

test('the backlog stays in Kafka while the workers do not keep up, and is processed once they do', async () => {
  const blocker = await system.database.pool.connect();
  try {
    await blocker.query('BEGIN; LOCK TABLE orders');
    const { bridge } = await start({ worker: { WORKER_WORKFLOW_TASK_SLOTS: '2' } });
    await send();
    await eventually(async () => {
      expect(await metric(bridge, 'order_ingest_starts_held_back')).toBe(1);
      // A start in flight counts, too.
      expect(await metric(bridge, 'order_ingest_messages_total{outcome="started"}')).toBe(WINDOW);
    });
    await blocker.query('ROLLBACK');
    await eventually(async () => {
      expect(await system.storedOrderIds()).toHaveLength(ORDERS);
    });
    expect(await metric(bridge, 'order_ingest_starts_held_back')).toBe(0);
  } finally {
    blocker.release();
  }
});

test('while Postgres is unavailable, the open orders are bounded; all are stored afterwards', async () => {
  const { host, username, password, pathname, search } = new URL(system.database.url);
  const proxy = await startTcpProxy(host);
  try {
    const { bridge } = await start({
      bridge: { BRIDGE_MAX_OPEN_ORDERS: String(MAX_OPEN) },
      worker: {
        DATABASE_URL: `postgres://${username}:${password}@127.0.0.1:${proxy.port}${pathname}${search}`,
      },
    });
    await proxy.cut();
    await send();
    await eventually(async () => {
      const { status, body } = await bridge.http('GET', '/readyz');
      expect(status).toBe(503);
      expect(body).toContain('orders are open in Temporal and none of them closes');
    });
    const started = await metric(bridge, 'order_ingest_messages_total{outcome="started"}');
    expect(started).toBeGreaterThanOrEqual(MAX_OPEN);
    // One more is started as a probe.
    expect(started).toBeLessThanOrEqual(MAX_OPEN + 1);
    expect(await system.topic.lag()).toBeGreaterThanOrEqual(ORDERS - MAX_OPEN - 1);
    await proxy.restore();
    await eventually(async () => {
      expect(await system.storedOrderIds()).toHaveLength(ORDERS);
    });
    await eventually(async () => {
      const { status } = await bridge.http('GET', '/readyz');
      expect(status).toBe(200);
    });
  } finally {
    await proxy.close();
  }
});
