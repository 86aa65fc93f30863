import { setTimeout as delay } from 'node:timers/promises';
import proto from '@temporalio/proto';
import { eventually } from '../support/eventually.ts';
import { createTopics } from '../support/kafka.ts';
import { orderText } from '../support/messages.ts';
import { stackAddress, uniqueName } from '../support/stack.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const { PENDING_ACTIVITY_STATE_STARTED } = proto.temporal.api.enums.v1.PendingActivityState;

/** Time enough for heartbeats of a bridge that runs beside other tests. */
const SESSION_TIMEOUT_MS = 10_000;

let system: TestSystem;
beforeEach(async () => {
  system = await createTestSystem();
});
afterEach(() => system.close());

const orderIds = (count: number) => Array.from({ length: count }, () => uniqueName('order'));
const sendOrders = (ids: readonly string[]) =>
  system.topic.send(ids.map((id) => ({ key: id, value: orderText(id) })));

test('while Temporal is down the bridge stays in the group, and it continues when Temporal recovers', async () => {
  const proxy = await startTcpProxy(stackAddress('TEMPORAL_ADDRESS'));
  try {
    const bridge = await system.startBridge({
      TEMPORAL_ADDRESS: `127.0.0.1:${proxy.port}`,
      KAFKA_SESSION_TIMEOUT_MS: String(SESSION_TIMEOUT_MS),
    });
    await proxy.cut();
    const ids = orderIds(120);
    await sendOrders(ids);
    const outage = await bridge.logged('dependency_unavailable');
    expect(outage['dependency']).toBe('Temporal');
    // Only heartbeats keep the member in the group for longer than that.
    const since = Date.now();
    await eventually(() => {
      expect(Date.now() - since).toBeGreaterThan(SESSION_TIMEOUT_MS + 1000);
    });
    expect(await system.topic.lag()).toBe(120);
    await proxy.restore();
    await bridge.logged('dependency_available');
    await system.allCommitted();
    expect(bridge.events.filter(({ event }) => event === 'partitions_assigned')).toHaveLength(1);
    expect(await system.topic.deadLetters()).toEqual([]);
    for (const id of ids) {
      // Completed, if the bridge has a worker in its process.
      expect(await system.status(id)).toMatch(/^(RUNNING|COMPLETED)$/);
    }
    expect(await bridge.end('SIGTERM')).toBe(0);
  } finally {
    await proxy.close();
  }
});

describe('while Temporal is down and more messages wait than may be in flight', () => {
  /** A bridge whose limit of messages in flight is used up by starts that cannot succeed. */
  async function stuckBridge(env: Readonly<Record<string, string>>) {
    const proxy = await startTcpProxy(stackAddress('TEMPORAL_ADDRESS'));
    const bridge = await system.startBridge({
      TEMPORAL_ADDRESS: `127.0.0.1:${proxy.port}`,
      BRIDGE_MAX_CONCURRENT_STARTS: '5',
      ...env,
    });
    await proxy.cut();
    await sendOrders(orderIds(50));
    await bridge.logged('dependency_unavailable');
    await bridge.logged('bridge_progress', ({ read }) => read === 5);
    return bridge;
  }

  test('a bridge that is shut down abandons them after the grace period and commits nothing', async () => {
    const bridge = await stuckBridge({ BRIDGE_SHUTDOWN_GRACE_MS: '500' });
    const ended = bridge.end('SIGTERM');
    expect(await Promise.race([ended, delay(60_000, 'still there', { ref: false })])).toBe(0);
    expect(await system.topic.lag()).toBe(50);
  });

  test('a second signal ends the bridge at once', async () => {
    const bridge = await stuckBridge({
      BRIDGE_SHUTDOWN_GRACE_MS: '60000',
      KAFKA_REBALANCE_TIMEOUT_MS: '60000',
    });
    void bridge.end('SIGTERM');
    await bridge.logged('shutdown_signal_received');
    const ended = bridge.end('SIGTERM');
    expect(await Promise.race([ended, delay(30_000, 'still there', { ref: false })])).toBe(143);
  });

  test('other bridges can still join the group', async () => {
    const stuck = await stuckBridge({ BRIDGE_SHUTDOWN_GRACE_MS: '500' });
    // Resolves when it has partitions assigned, for which the stuck bridge has to rejoin.
    await system.startBridge();
    expect(await stuck.end('SIGTERM')).toBe(0);
    await system.allCommitted();
    expect(await system.topic.deadLetters()).toEqual([]);
  });
});

test('while Postgres is down orders wait visibly in Temporal, and they are stored when it recovers', async () => {
  const { host, username, password, pathname, search } = new URL(system.database.url);
  const proxy = await startTcpProxy(host);
  try {
    const env = {
      DATABASE_URL: `postgres://${username}:${password}@127.0.0.1:${proxy.port}${pathname}${search}`,
    };
    const bridge = await system.startBridge(env);
    await system.startWorker(env);
    await proxy.cut();
    const [id = ''] = orderIds(1);
    await sendOrders([id]);
    await system.allCommitted();
    await eventually(async () => {
      const { raw } = await system.workflow(id).describe();
      const [activity] = raw.pendingActivities ?? [];
      expect(activity?.attempt).toBeGreaterThanOrEqual(2);
      expect(activity?.lastFailure?.message).toContain('ECONNREFUSED');
    });
    await proxy.restore();
    await expect(system.workflow(id).result()).resolves.toEqual({ outcome: 'stored' });
    expect(bridge.events.filter(({ event }) => event === 'message_dead_lettered')).toEqual([]);
  } finally {
    await proxy.close();
  }
});

test('orders that have been retried for long are stored as soon as Postgres recovers, without waiting for their backoff', async () => {
  const url = new URL(system.database.url);
  const proxy = await startTcpProxy(url.host);
  url.host = `127.0.0.1:${proxy.port}`;
  try {
    const env = { DATABASE_URL: url.href };
    const worker = await system.startWorker(env);
    await system.startBridge(env);
    await proxy.cut();
    const [id = ''] = orderIds(1);
    await sendOrders([id]);
    const handle = system.workflow(id);
    // Its next retry would follow half a minute later.
    await eventually(async () => {
      const { raw } = await handle.describe();
      const [activity] = raw.pendingActivities ?? [];
      expect(activity?.attempt).toBe(6);
      expect(activity?.state).toBe(PENDING_ACTIVITY_STATE_STARTED);
    });
    await proxy.restore();
    await worker.logged('dependency_available');
    await expect(handle.result()).resolves.toEqual({ outcome: 'stored' });
    const { events } = await handle.fetchHistory();
    const [started] = (events ?? []).flatMap(
      ({ activityTaskStartedEventAttributes: attributes }) => attributes ?? [],
    );
    expect(started?.attempt).toBe(7);
    expect(started?.lastFailure?.message).toBe('Postgres has recovered');
  } finally {
    await proxy.close();
  }
});

test('while the dead-letter topic is unavailable, no offset past the dead letter is committed', async () => {
  const bridge = await system.startBridge();
  await system.topic.admin.deleteTopics({ topics: [system.topic.deadLetterTopic] });
  const [id = ''] = orderIds(1);
  await system.topic.send([
    { key: null, value: 'not JSON' },
    { key: id, value: orderText(id) },
  ]);
  await bridge.logged('dependency_unavailable');
  await eventually(() => system.workflow(id).describe());
  expect(await system.topic.lag()).toBe(2);
  const readiness = await bridge.http('GET', '/readyz');
  expect(readiness.status).toBe(503);
  expect(readiness.body).toContain('the dead-letter topic');
  await createTopics(system.topic.kafka, [
    { topic: system.topic.deadLetterTopic, numPartitions: 1 },
  ]);
  await system.allCommitted();
  expect(await system.topic.deadLetters()).toMatchObject([{ reason: 'not-json' }]);
});
