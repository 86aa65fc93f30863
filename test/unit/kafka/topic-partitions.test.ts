import kafkajs from 'kafkajs';
import { isStarting } from '../../../src/kafka/kafka-errors.ts';
import { whileStarting } from '../../../src/kafka/while-starting.ts';
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

/** A cluster of topics, each a list of the leaders of its partitions; -1 for none. */
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

test('a topic that is missing has no partitions, and one that may not be seen is an error of its own', async () => {
  const admin = adminOf({ orders: [1, -1] }, ['secret']);
  expect(await describeTopic(admin, 'missing')).toBeUndefined();
  expect(await describeTopic(admin, 'orders')).toEqual([
    { partition: 0, hasLeader: true },
    { partition: 1, hasLeader: false },
  ]);
  await expect(describeTopic(admin, 'secret')).rejects.toThrow('DESCRIBE on topic "secret"');
});

test('only the topics that are needed are asked for, each by its name', async () => {
  const settings = { brokers: ['kafka:9092'] };
  const admin = adminOf({ orders: [1], 'orders.dead-letter': [1] }, ['unrelated']);
  await checkTopicsExist(admin, settings, ['orders', 'orders.dead-letter']);
  await expect(checkTopicsExist(admin, settings, ['orders', 'a', 'b'])).rejects.toThrow(
    'has no topic "a" and no topic "b"',
  );
});

test('offsets come of the partitions that are online, and the others are named', async () => {
  const admin = adminOf({ orders: [1, -1, 2] });
  const { ends, offline } = await fetchTopicEnds(admin, 'orders');
  expect(ends.map(({ partition }) => partition)).toEqual([0, 2]);
  expect(offline).toEqual([1]);
  await expect(fetchAllTopicEnds(admin, 'orders')).rejects.toThrow(
    'partition 1 of "orders" has no leader',
  );
  await expect(fetchAllTopicEnds(adminOf({ orders: [-1, -1] }), 'orders')).rejects.toThrow(
    'partitions 0, 1 of "orders" have no leader',
  );
});

describe('while the cluster is starting', () => {
  const wait = (timeoutMs = 60_000, signal?: AbortSignal) => {
    const reasons: string[] = [];
    return {
      reasons,
      options: {
        timeoutMs,
        onWait: (reason: string) => reasons.push(reason),
        ...(signal ? { signal } : {}),
      },
    };
  };

  test('a request is repeated until it succeeds, and the wait is reported once', async () => {
    const failures = [answer('NOT_COORDINATOR_FOR_GROUP'), answer('NOT_CONTROLLER')];
    const { reasons, options } = wait();
    const result = await whileStarting(() => {
      const failure = failures.shift();
      return failure ? Promise.reject(failure) : Promise.resolve('done');
    }, options);
    expect(result).toBe('done');
    expect(reasons).toEqual(['answered NOT_COORDINATOR_FOR_GROUP']);
  });

  test('what does not come of starting fails at once', async () => {
    const error = answer('INVALID_REPLICATION_FACTOR');
    const { reasons, options } = wait();
    await expect(whileStarting(() => Promise.reject(error), options)).rejects.toBe(error);
    expect(reasons).toEqual([]);
  });

  test('the wait ends with the last error after its time, and with the reason of its signal', async () => {
    const error = answer('NOT_CONTROLLER');
    await expect(whileStarting(() => Promise.reject(error), wait(0).options)).rejects.toBe(error);
    const stopping = new AbortController();
    const reason = new Error('stopped');
    await expect(
      whileStarting(() => {
        stopping.abort(reason);
        return Promise.reject(error);
      }, wait(60_000, stopping.signal).options),
    ).rejects.toBe(reason);
  });

  test('a missing coordinator is a sign of it also where kafkajs drops the answer', () => {
    expect(
      isStarting(Object.assign(new Error(), { name: 'KafkaJSGroupCoordinatorNotFound' })),
    ).toBe(true);
    expect(isStarting(new kafkajs.KafkaJSConnectionError('refused'))).toBe(false);
  });
});
