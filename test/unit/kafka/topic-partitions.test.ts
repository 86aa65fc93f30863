import kafkajs from 'kafkajs';
import {
  describeTopic,
  fetchAllTopicEnds,
  fetchTopicEnds,
  type TopicAdmin,
} from '../../../src/kafka/topic-partitions.ts';
import { checkTopicsExist } from '../../../src/kafka/topics.ts';

const answer = (type: string) =>
  new kafkajs.KafkaJSProtocolError(
    Object.assign(new Error(`answered ${type}`), { type, code: 1, retriable: true }),
  );

/** A cluster with these topics: for each partition its leader, or -1. */
const adminOf = (
  topics: Readonly<Record<string, readonly number[]>>,
  denied: readonly string[] = [],
): TopicAdmin => ({
  fetchTopicMetadata(options) {
    const asked = options?.topics ?? [];
    expect(asked).toHaveLength(1);
    const name = asked[0] ?? '';
    if (denied.includes(name)) return Promise.reject(answer('TOPIC_AUTHORIZATION_FAILED'));
    const leaders = topics[name];
    if (!leaders) return Promise.reject(answer('UNKNOWN_TOPIC_OR_PARTITION'));
    const partitions = leaders.map((leader, partitionId) => ({
      partitionErrorCode: 0,
      partitionId,
      leader,
      replicas: [],
      isr: [],
    }));
    return Promise.resolve({ topics: [{ name, partitions }] });
  },
  fetchTopicOffsets: (topic) =>
    Promise.resolve(
      (topics[topic] ?? []).flatMap((leader, partition) =>
        leader < 0 ? [] : [{ partition, offset: '9', low: '0', high: '9' }],
      ),
    ),
});

test('a missing topic is undefined, and a topic that may not be described names the missing permission', async () => {
  const admin = adminOf({ orders: [1, -1] }, ['secret']);
  expect(await describeTopic(admin, 'missing')).toBeUndefined();
  expect(await describeTopic(admin, 'orders')).toEqual([
    { partition: 0, hasLeader: true },
    { partition: 1, hasLeader: false },
  ]);
  await expect(describeTopic(admin, 'secret')).rejects.toMatchObject({
    permissions: [{ operation: 'DESCRIBE', resource: 'topic', name: 'secret' }],
  });
});

test('only the topics that are needed are described, each by name', async () => {
  const settings = { brokers: ['kafka:9092'] };
  const admin = adminOf({ orders: [1], 'orders.dead-letter': [1] }, ['unrelated']);
  await checkTopicsExist(admin, settings, ['orders', 'orders.dead-letter']);
  await expect(checkTopicsExist(admin, settings, ['orders', 'a', 'b'])).rejects.toMatchObject({
    code: 'KAFKA_TOPIC_MISSING',
    message: expect.stringMatching(/"a".*"b"/),
  });
});

test('returns the bounds of the partitions that are online, and names the others', async () => {
  const admin = adminOf({ orders: [1, -1, 2] });
  const { ends, offline } = await fetchTopicEnds(admin, 'orders');
  expect(ends.map(({ partition }) => partition)).toEqual([0, 2]);
  expect(offline).toEqual([1]);
  await expect(fetchAllTopicEnds(admin, 'orders')).rejects.toMatchObject({
    code: 'KAFKA_PARTITION_OFFLINE',
    message: expect.stringContaining('partition 1 of "orders"'),
  });
  await expect(fetchAllTopicEnds(adminOf({ orders: [-1, -1] }), 'orders')).rejects.toMatchObject({
    code: 'KAFKA_PARTITION_OFFLINE',
    message: expect.stringContaining('partitions 0, 1 of "orders"'),
  });
});

test('while the leader of a partition does not answer, its error is thrown, not that the partition is offline', async () => {
  const refused = new kafkajs.KafkaJSConnectionError('refused');
  const online = [{ partition: 0, offset: '9', low: '0', high: '9' }];
  let requests = 0;
  const admin: TopicAdmin = {
    ...adminOf({ orders: [1, 2] }),
    // The first request is for the partitions whose leaders answer.
    fetchTopicOffsets: () => (++requests === 1 ? Promise.resolve(online) : Promise.reject(refused)),
  };
  await expect(fetchAllTopicEnds(admin, 'orders')).rejects.toBe(refused);
});
