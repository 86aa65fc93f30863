import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import { metricValue } from '../support/metrics.ts';
import { runCli, type RunningProgram } from '../support/programs.ts';
import { createTestSystem, STARTED, type TestSystem } from '../support/system.ts';

/** Two topics whose consumers have the same consumer group. */
let eu: TestSystem;
let us: TestSystem;
beforeEach(async () => {
  eu = await createTestSystem({ partitions: 2 });
  us = await createTestSystem({ partitions: 2, groupId: eu.topic.groupId });
});
afterEach(() => Promise.all([eu.close(), us.close()]));

const FAST_SETTINGS = { BRIDGE_LAG_INTERVAL_MS: '200' };

const send = (system: TestSystem) =>
  system.topic.send(
    [0, 1].map((partition) => ({
      key: `${partition}`,
      value: orderText(`order-${partition}`),
      partition,
    })),
  );

const expectAllStarted = (system: TestSystem) =>
  eventually(async () => {
    for (const partition of [0, 1]) {
      expect(await system.status(`order-${partition}`)).toMatch(STARTED);
    }
  });

const expectNotReady = (bridge: RunningProgram, foreignTopic: string) =>
  eventually(async () => {
    const { status, body } = await bridge.http('GET', '/readyz');
    expect(status).toBe(503);
    expect(body).toContain(`subscribed to "${foreignTopic}"`.replaceAll('"', '\\"'));
  });

async function groupFinding(system: TestSystem) {
  const env = { ...system.bridgeEnv, ...system.workerEnv };
  const { stdout } = await runCli(['doctor', '--json'], env);
  return stdout
    .split('\n')
    .map((line) => JSON.parse(line) as { check: string; state: string; detail: string })
    .find(({ check }) => check === 'Kafka: consumer group');
}

test('a consumer of another topic that holds the partitions is named, and their lag is reported', async () => {
  const foreign = us.topic.kafka.consumer({ groupId: eu.topic.groupId });
  await foreign.connect();
  await foreign.subscribe({ topic: us.topic.name });
  // The first member becomes the leader, and kafkajs's own assigner assigns only the leader's topic.
  const joined = new Promise((resolve) => foreign.on(foreign.events.GROUP_JOIN, resolve));
  await foreign.run({ eachMessage: () => Promise.resolve() });
  await joined;
  await send(eu);
  const bridge = await eu.startBridge(FAST_SETTINGS);
  await expectNotReady(bridge, us.topic.name);
  await eventually(async () => {
    const { body } = await bridge.http('GET', '/metrics');
    for (const partition of [0, 1]) {
      expect(
        metricValue(
          body,
          `order_ingest_consumer_lag_messages{topic="${eu.topic.name}",partition="${partition}"}`,
        ),
      ).toBe(1);
    }
  });
  const finding = await groupFinding(eu);
  expect(finding?.state).toBe('failed');
  expect(finding?.detail).toContain(`subscribed to "${us.topic.name}"`);
  expect(finding?.detail).toContain(`no member reads partition 0, 1 of "${eu.topic.name}"`);

  await foreign.disconnect();
  await expectAllStarted(eu);
  await eventually(async () => {
    expect(await bridge.http('GET', '/readyz')).toMatchObject({ status: 200 });
  });
});

test('bridges of two topics in one group read both topics completely, and report that they share the group', async () => {
  await Promise.all([send(eu), send(us)]);
  const first = await eu.startBridge(FAST_SETTINGS);
  const second = await us.startBridge(FAST_SETTINGS);
  await Promise.all([expectAllStarted(eu), expectAllStarted(us)]);
  await expectNotReady(first, us.topic.name);
  await expectNotReady(second, eu.topic.name);
  expect(await groupFinding(us)).toMatchObject({
    state: 'failed',
    detail: expect.stringContaining(`subscribed to "${eu.topic.name}"`),
  });
});
