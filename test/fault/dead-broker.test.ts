import { Kafka, logLevel } from 'kafkajs';
import { SHORT_BROKER_SESSIONS, startBrokerPair, type BrokerPair } from '../support/broker-pair.ts';
import { eventually } from '../support/eventually.ts';
import { createTopics } from '../support/kafka.ts';
import { orderText } from '../support/messages.ts';
import { runCli } from '../support/programs.ts';
import { uniqueName } from '../support/stack.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/**
 * The second of two brokers is dead, and with it every partition of the topic `unrelated` and one of `halved`.
 * All partitions of `whole`, and its group, are on the first broker.
 */
let pair: BrokerPair;
let whole: TestSystem;
let halved: TestSystem;

beforeAll(async () => {
  pair = await startBrokerPair(SHORT_BROKER_SESSIONS);
  // Clients try the dead broker first.
  const brokers = [...pair.brokers].reverse().join(',');
  const groupId = await pair.groupOn(1);
  whole = await createTestSystem({ brokers, groupId, leaders: [1, 1] });
  halved = await createTestSystem({ brokers, groupId, leaders: [1, 2] });
  await createTopics(whole.topic.kafka, [
    {
      topic: uniqueName('unrelated'),
      replicaAssignment: [{ partition: 0, replicas: [2] }],
    },
    // As `setup` would create them, but all on the first broker.
    ...[whole, halved].map(({ topic }) => ({
      topic: `${topic.deadLetterTopic}.replayed`,
      replicaAssignment: [{ partition: 0, replicas: [1] }],
    })),
  ]);
  await halved.topic.send([
    { key: 'a', value: orderText('a'), partition: 0 },
    { key: 'b', value: orderText('b'), partition: 1 },
  ]);
  await pair.kill(2);
  await eventually(async () => {
    const admin = new Kafka({
      brokers: [pair.brokers[0] ?? ''],
      logLevel: logLevel.NOTHING,
    }).admin();
    await admin.connect();
    await expect(
      admin.fetchTopicMetadata({ topics: [halved.topic.name] }).finally(() => admin.disconnect()),
    ).rejects.toThrow(/no leader/);
  });
});
afterAll(async () => {
  await Promise.all([whole.close(), halved.close()]);
  await pair.remove();
});

const envOf = (system: TestSystem) => ({ ...system.bridgeEnv, ...system.workerEnv });

interface Finding {
  readonly check: string;
  readonly state: string;
  readonly detail: string;
}

async function kafkaFindings(system: TestSystem): Promise<readonly Finding[]> {
  const { stdout } = await runCli(['doctor', '--json'], envOf(system));
  return stdout
    .split('\n')
    .map((line) => JSON.parse(line) as Finding)
    .filter(({ check }) => check.startsWith('Kafka'));
}

test('a topic that is offline does not affect the tools and the bridge of another topic', async () => {
  const bridge = await whole.startBridge();
  for (const args of [
    ['produce', '--sample', '3'],
    ['lag', '--interval', '1'],
    ['setup', '--only', 'kafka'],
    ['reconcile', '--partition', '0', '--from', '0', '--to', '0'],
  ]) {
    const { exitCode, stderr } = await runCli(args, envOf(whole));
    expect({ args, exitCode, stderr }).toEqual({ args, exitCode: 0, stderr: expect.any(String) });
  }
  await whole.allCommitted();
  expect((await kafkaFindings(whole)).map(({ check, state }) => `${check} ${state}`)).toEqual([
    'Kafka ok',
    'Kafka: topic ok',
    'Kafka: dead-letter topic ok',
    'Kafka: replay marks ok',
    'Kafka: dead letters fit ok',
    'Kafka: consumer group ok',
    'Kafka: retention ok',
    'Kafka: permissions ok',
  ]);
  expect(await bridge.end('SIGTERM')).toBe(0);
});

test('the tools name the partition that is offline, and show what they can about the others', async () => {
  const findings = await kafkaFindings(halved);
  expect(findings.find(({ check }) => check === 'Kafka: topic')).toMatchObject({
    state: 'failed',
    detail: `partition 1 of "${halved.topic.name}" has no leader (of 2 partitions)`,
  });
  const lag = await runCli(['lag', '--interval', '1', '--json'], envOf(halved));
  expect(JSON.parse(lag.stdout)).toMatchObject({
    partitions: [{ partition: 0, lag: '1' }],
    offline: [1],
  });
  const produced = await runCli(['produce', '--sample', '50'], envOf(halved));
  expect(produced).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining(`partition 1 of "${halved.topic.name}" has no leader`),
  });
  const account = await runCli(['reconcile'], envOf(halved));
  expect(account).toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining(`partition 1 of "${halved.topic.name}" has no leader`),
  });
});
