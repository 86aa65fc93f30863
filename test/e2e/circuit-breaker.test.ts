import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { createTestSystem, STARTED, type TestSystem } from '../support/system.ts';

let system: TestSystem;
beforeEach(async () => {
  system = await createTestSystem();
});
afterEach(() => system.close());

/** A late heartbeat would cost a bridge its partitions, and its readiness. */
const KEEPS_PARTITIONS = { KAFKA_SESSION_TIMEOUT_MS: '30000' };

const bad = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ key: null, value: `bad ${n}` }));

test('too many dead letters pause the bridge; it stays in the group and loses no message', async () => {
  const bridge = await system.startBridge({
    BRIDGE_BREAKER_WINDOW: '20',
    // Longer than the session timeout: only heartbeats keep the bridge in the group.
    BRIDGE_BREAKER_PAUSE_MS: '20000',
    KAFKA_SESSION_TIMEOUT_MS: '15000',
    BRIDGE_MAX_CONCURRENT_STARTS: '1',
  });
  await system.topic.send([...bad(30), { key: 'a', value: orderText('a') }]);
  const opened = await bridge.logged('circuit_breaker_open');
  expect(opened).toMatchObject({ deadLetters: 20, window: 20 });
  await eventually(async () => {
    expect(await system.topic.lag()).toBeLessThanOrEqual(11);
  });
  expect((await system.topic.deadLetters()).length).toBeLessThan(30);
  await bridge.logged('circuit_breaker_closed');
  await system.allCommitted();
  expect(await system.topic.deadLetters()).toHaveLength(30);
  expect(await system.status('a')).toMatch(STARTED);
  expect(bridge.events.filter(({ event }) => event === 'partitions_assigned')).toHaveLength(1);
});

test('a paused bridge reports why it is not ready, and continues after POST /resume', async () => {
  const bridge = await system.startBridge({ ...KEEPS_PARTITIONS, BRIDGE_BREAKER_WINDOW: '10' });
  await system.topic.send([...bad(12), { key: 'a', value: orderText('a') }]);
  await bridge.logged('circuit_breaker_open');
  const { status, body } = await bridge.http('GET', '/readyz');
  expect(status).toBe(503);
  expect(body).toMatch(/\d+ of the last 10 messages are dead letters/);
  expect((await bridge.http('GET', '/livez')).status).toBe(200);
  expect((await bridge.http('GET', '/resume')).status).toBe(405);
  expect((await bridge.http('POST', '/resume')).status).toBe(200);
  await system.allCommitted();
  expect(await system.status('a')).toMatch(STARTED);
  expect((await bridge.http('GET', '/readyz')).status).toBe(200);
});

test('conflicting duplicates and invalid orders are counted separately', async () => {
  const { bridge, worker } = await system.startPair();
  await system.topic.send([
    { key: 'a', value: orderText('a') },
    { key: 'a', value: orderText('a', { total_price: '1' }) },
    { key: 'b', value: orderText('b', { line_items: '[]' }) },
  ]);
  await system.allCommitted();
  expect((await bridge.http('GET', '/metrics')).body).toContain(
    'order_ingest_dead_letters_total{reason="conflicting-duplicate"} 1\n',
  );
  await eventually(async () => {
    const { body } = await worker.http('GET', '/metrics');
    expect(body).toContain('order_ingest_orders_total{ending="invalid"} 1\n');
    expect(body).toContain('order_ingest_orders_total{ending="stored"} 1\n');
  });
});

test('an order that is sent again with added fields does not open the circuit breaker', async () => {
  const bridge = await system.startBridge({ ...KEEPS_PARTITIONS, BRIDGE_BREAKER_WINDOW: '10' });
  const again = Array.from({ length: 40 }, (_, n) => orderText('a', { trace_id: `"${n}"` }));
  await system.topic.send([orderText('a'), ...again].map((value) => ({ key: 'a', value })));
  await system.allCommitted();
  expect(await system.topic.deadLetters()).toEqual([]);
  expect(bridge.events.filter(({ event }) => event === 'circuit_breaker_open')).toEqual([]);
  expect(bridge.events.filter(({ event }) => event === 'duplicate_order')).toHaveLength(40);
});

test('a paused bridge can be shut down', async () => {
  const bridge = await system.startBridge({ BRIDGE_BREAKER_WINDOW: '10' });
  await system.topic.send(bad(100));
  await bridge.logged('circuit_breaker_open');
  const ended = bridge.end('SIGTERM');
  expect(await Promise.race([ended, delay(60_000, 'still there', { ref: false })])).toBe(0);
});
