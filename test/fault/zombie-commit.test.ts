import kafkajs, { type Admin } from 'kafkajs';
import {
  promiseWithResolvers,
  type PromiseWithResolvers,
} from '../../src/program/promise-with-resolvers.ts';
import { GroupConsumer } from '../../src/kafka/consumer/group-consumer.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { startBrokerPair, type BrokerPair } from '../support/broker-pair.ts';
import { eventually } from '../support/eventually.ts';
import { createTopics } from '../support/kafka.ts';
import { uniqueName } from '../support/stack.ts';

/**
 * A handler that hangs in a batch does not notice that its consumer has joined the group again. kafkajs does
 * so when partitions are added and a fetch from another broker discovers them (kafkajs#1046).
 */

const MESSAGES = 10;
const HALF_WAY = 5n;

let pair: BrokerPair;
let topic: string;
let groupId: string;
let admin: Admin;
/** Ends the batch that is held. */
let released: PromiseWithResolvers<undefined>;
let stops: (() => Promise<void>)[];
beforeAll(async () => {
  pair = await startBrokerPair();
});
afterAll(() => pair.remove());

beforeEach(async () => {
  topic = uniqueName('orders');
  groupId = uniqueName('group');
  released = promiseWithResolvers();
  stops = [];
  admin = kafkaOf('test').admin();
  await admin.connect();
  await createTopics(kafkaOf('test'), [
    {
      topic,
      replicaAssignment: [
        { partition: 0, replicas: [1] },
        { partition: 1, replicas: [2] },
      ],
    },
  ]);
  const producer = kafkaOf('test').producer();
  await producer.connect();
  await producer.send({
    topic,
    messages: Array.from({ length: MESSAGES }, (_, n) => ({ partition: 0, value: String(n) })),
  });
  await producer.disconnect();
  // The broker may still be loading its groups.
  await eventually(committed);
});
afterEach(async () => {
  released.resolve(undefined);
  await Promise.all(stops.map((stop) => stop()));
  await admin.disconnect();
});

const kafkaOf = (clientId: string) =>
  new kafkajs.Kafka({ clientId, brokers: [...pair.brokers], logLevel: kafkajs.logLevel.NOTHING });

async function committed(): Promise<number> {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  return Number(found?.partitions.find(({ partition }) => partition === 0)?.offset);
}

/**
 * Starts a member of the group. It holds a batch until `onBatch` resolves, whose argument commits an offset
 * of that batch.
 */
type StartMember = (
  clientId: string,
  onBatch: (commit: (offset: bigint) => Promise<void>) => Promise<void>,
) => Promise<void>;

const CONSUMER = {
  sessionTimeoutMs: 60_000,
  // Long, so that the member discovers the new partitions first, and the new member only by joining again.
  heartbeatIntervalMs: 20_000,
  rebalanceTimeoutMs: 60_000,
  pollTimeoutMs: 100,
  fetchMaxBytes: 1_048_576,
  metadataMaxAgeMs: 500,
  commitIntervalMs: 50,
};

const startKafkajs: StartMember = async (clientId, onBatch) => {
  const consumer = kafkaOf(clientId).consumer({
    groupId,
    sessionTimeout: CONSUMER.sessionTimeoutMs,
    heartbeatInterval: CONSUMER.heartbeatIntervalMs,
    rebalanceTimeout: CONSUMER.rebalanceTimeoutMs,
    maxWaitTimeInMs: CONSUMER.pollTimeoutMs,
    metadataMaxAge: CONSUMER.metadataMaxAgeMs,
  });
  stops.push(() => consumer.disconnect());
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: false,
    partitionsConsumedConcurrently: 2,
    eachBatch: (payload) =>
      onBatch(async (offset) => {
        const { partition } = payload.batch;
        payload.resolveOffset((offset - 1n).toString());
        await consumer.commitOffsets([{ topic, partition, offset: offset.toString() }]);
      }),
  });
};

const startOurs: StartMember = async (clientId, onBatch) => {
  const consumer = new GroupConsumer({
    kafka: kafkaOf(clientId),
    topics: [topic],
    groupId,
    ...CONSUMER,
    logger: silentLogger(),
    onBatch: (batch) =>
      onBatch((offset) => {
        batch.markFinishedUpTo(offset);
        return Promise.resolve();
      }),
    onLogAnomaly: () => undefined,
    onActivity: () => undefined,
    onCrash: () => undefined,
  });
  stops.push(() => consumer.stop());
  await consumer.start();
};

/** Lets a member that was hanging commit a lower offset than the other member has. */
async function commitOfAZombie(start: StartMember): Promise<void> {
  const held = promiseWithResolvers<(offset: bigint) => Promise<void>>();
  let isFirst = true;
  // Partitions are assigned in the order of the member IDs, which begin with the client ID.
  await start('a', async (commit) => {
    if (!isFirst) return;
    isFirst = false;
    held.resolve(commit);
    await released.promise;
  });
  const commitLate = await held.promise;
  void start('b', (commit) => commit(BigInt(MESSAGES)));
  await eventually(async () => {
    const { groups } = await admin.describeGroups([groupId]);
    expect(groups[0]?.state).toBe('PreparingRebalance');
  });
  await admin.createPartitions({ topicPartitions: [{ topic, count: 4 }] });
  await eventually(async () => {
    expect(await committed()).toBe(MESSAGES);
  });
  await commitLate(HALF_WAY);
}

test('kafkajs by itself lets the member that was hanging move the group back', async () => {
  await commitOfAZombie(startKafkajs);
  await eventually(async () => {
    expect(await committed()).toBe(Number(HALF_WAY));
  });
});

test('the bridge commits nothing of an older generation', async () => {
  await commitOfAZombie(startOurs);
  released.resolve(undefined);
  // Commits everything that is pending.
  await stops.shift()?.();
  expect(await committed()).toBe(MESSAGES);
});
