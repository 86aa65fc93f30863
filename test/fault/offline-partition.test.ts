import { tolerateOfflinePartitions } from '../../src/kafka/patches/offline-partitions.ts';
import { SHORT_BROKER_SESSIONS, startBrokerPair, type BrokerPair } from '../support/broker-pair.ts';
import { eventually } from '../support/eventually.ts';
import { orderText } from '../support/messages.ts';
import type { RunningProgram } from '../support/programs.ts';
import { uniqueName } from '../support/stack.ts';
import { createTestSystem, STARTED, type TestSystem } from '../support/system.ts';

/**
 * The only broker with replicas of some partitions fails, so that these have no leader. The first broker has
 * partition 0 and the group, the second one partitions 1 and 2.
 */

// The clients of this test must work, too.
tolerateOfflinePartitions();

let pair: BrokerPair;
let system: TestSystem;
beforeAll(async () => {
  pair = await startBrokerPair(SHORT_BROKER_SESSIONS);
});
afterAll(() => pair.remove());

beforeEach(async () => {
  system = await createTestSystem({
    brokers: pair.brokers.join(','),
    leaders: [1, 2, 2],
    groupId: await pair.groupOn(1),
  });
});
afterEach(() => system.close());

async function send(partition: number, count = 5): Promise<readonly string[]> {
  const ids = Array.from({ length: count }, () => uniqueName(`order-${partition}`));
  await eventually(() =>
    system.topic.send(ids.map((id) => ({ key: id, value: orderText(id), partition }))),
  );
  return ids;
}

async function expectStarted(ids: readonly string[]): Promise<void> {
  await eventually(async () => {
    for (const id of ids) expect(await system.status(id)).toMatch(STARTED);
  });
}

async function committed(partition: number): Promise<number> {
  const { admin, groupId, name } = system.topic;
  const [found] = await admin.fetchOffsets({ groupId, topics: [name] });
  return Number(found?.partitions.find((one) => one.partition === partition)?.offset);
}

const readiness = async (bridge: RunningProgram) => (await bridge.http('GET', '/readyz')).body;

test('partitions with a leader are read and committed, and the others as soon as they have a leader again', async () => {
  const bridge = await system.startBridge();
  await expectStarted([...(await send(0)), ...(await send(1))]);
  await pair.kill(2);
  try {
    await expectStarted(await send(0));
    await eventually(async () => {
      expect(await readiness(bridge)).toMatch(/partitions 1, 2 .* no leader/);
    });
    await expectStarted(await send(0));
    await eventually(async () => {
      expect(await committed(0)).toBe(15);
    });
    // A bridge that joins makes the group rebalance while the partitions are offline.
    const second = await system.startBridge();
    await expectStarted(await send(0));
    await second.end('SIGTERM');
    await expectStarted(await send(0));
  } finally {
    await pair.start(2);
  }
  await expectStarted([...(await send(1)), ...(await send(2)), ...(await send(0))]);
  await system.allCommitted();
  expect(await readiness(bridge)).toContain('ready');
  expect(bridge.exitStatus()).toBeUndefined();
  const events = bridge.events.map(({ event }) => event);
  expect(events).not.toContain('messages_lost');
  expect(events).not.toContain('foreign_offset');
});

test('a new group starts on the partitions that are online', async () => {
  const offline = await send(1);
  await pair.kill(2);
  try {
    const online = await send(0);
    await system.startBridge();
    await expectStarted(online);
  } finally {
    await pair.start(2);
  }
  await expectStarted(offline);
  await system.allCommitted();
});
