import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { valueOf } from '../support/metrics.ts';
import type { RunningProgram } from '../support/programs.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

const ORDERS = 300;
const WINDOW = 20;

let system: TestSystem;
beforeEach(async () => {
  system = await createTestSystem();
  await system.topic.send(
    Array.from({ length: ORDERS }, (_, n) => ({ key: `${n}`, value: orderText(`order-${n}`) })),
  );
});
afterEach(() => system.close());

const startBridge = () =>
  system.startBridge({
    BRIDGE_MAX_WAITING_ORDERS: String(WINDOW),
    BRIDGE_MAX_CONCURRENT_STARTS: '5',
  });

async function metric(bridge: RunningProgram, series: string): Promise<number> {
  const { body } = await bridge.http('GET', '/metrics');
  return valueOf(body, series);
}

test('a backlog stays in Kafka while the workers do not keep up, and is worked off when they do', async () => {
  const blocker = await system.database.pool.connect();
  try {
    await blocker.query('BEGIN; LOCK TABLE orders');
    await system.startWorker({ WORKER_WORKFLOW_TASK_SLOTS: '2' });
    const bridge = await startBridge();
    await eventually(async () => {
      expect(await metric(bridge, 'order_ingest_starts_held_back')).toBe(1);
    });
    // Those that wait, half of them more that were taken, and those that were under way.
    const started = await metric(bridge, 'order_ingest_messages_total{outcome="started"}');
    expect(started).toBeGreaterThanOrEqual(WINDOW);
    expect(started).toBeLessThan(2 * WINDOW + 5);
    await blocker.query('ROLLBACK');
    await eventually(async () => {
      expect(await system.storedOrderIds()).toHaveLength(ORDERS);
    });
    expect(await metric(bridge, 'order_ingest_starts_held_back')).toBe(0);
  } finally {
    blocker.release();
  }
});

test('nothing is held back while no worker is at work', async () => {
  await startBridge();
  await system.allCommitted();
});
