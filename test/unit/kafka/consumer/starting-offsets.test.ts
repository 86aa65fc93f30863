import type { Admin } from 'kafkajs';
import {
  initializeOffsets,
  type AutoOffsetReset,
} from '../../../../src/kafka/consumer/starting-offsets.ts';

type StartingAdmin = Parameters<typeof initializeOffsets>[0];

/** The committed offsets of each partition, -1 for none, by topic. */
type Committed = Readonly<Record<string, readonly string[]>>;

/** Sets where a group with these committed offsets starts, and returns what was done. */
async function settleTopics(
  policy: AutoOffsetReset,
  committed: Committed,
  ingestedBefore: readonly string[] = [],
  /** Called instead of setting offsets for the n-th time: an error, and what other bridges have committed by then. */
  refuse: (
    attempt: number,
    committed: Record<string, readonly string[]>,
  ) => Error | undefined = () => undefined,
) {
  const now = { ...committed };
  const set: Parameters<Admin['setOffsets']>[0][] = [];
  let attempts = 0;
  const expired: string[] = [];
  const ofAll = <Value>(topic: string, value: (offset: string, partition: number) => Value) =>
    (now[topic] ?? []).map(value);
  const admin: StartingAdmin = {
    fetchOffsets: ({ topics = [] }) =>
      Promise.resolve(
        topics.map((topic) => ({
          topic: topic,
          partitions: ofAll(topic, (offset, partition) => ({
            ...{ partition, offset, metadata: null },
          })),
        })),
      ),
    fetchTopicMetadata: (options) =>
      Promise.resolve({
        topics: (options?.topics ?? []).map((name) => ({
          name,
          partitions: ofAll(name, (_, partitionId) => ({
            partitionErrorCode: 0,
            partitionId,
            leader: 1,
            replicas: [1],
            isr: [1],
          })),
        })),
      }),
    fetchTopicOffsets: (topic) =>
      Promise.resolve(
        ofAll(topic, (_, partition) => ({ partition, offset: '50', low: '0', high: '50' })),
      ),
    setOffsets: (options) => {
      attempts += 1;
      const error = refuse(attempts, now);
      if (error) return Promise.reject(error);
      set.push(options);
      now[options.topic] = options.partitions.map(({ offset }) => offset);
      return Promise.resolve();
    },
  };
  await initializeOffsets(admin, {
    groupId: 'group',
    topics: Object.keys(committed),
    policy,
    hasIngestedBefore: (topic) => Promise.resolve(ingestedBefore.includes(topic)),
    onExpired: (topic) => expired.push(topic),
    pauseMs: 1,
  });
  return { set, expired };
}

/** The same for a single topic with these committed offsets. */
async function settle(
  policy: AutoOffsetReset,
  committed: readonly string[],
  hasIngestedBefore = false,
) {
  const before = hasIngestedBefore ? ['orders'] : [];
  const { set, expired } = await settleTopics(policy, { orders: committed }, before);
  return { set: set.flatMap(({ partitions }) => partitions), expired: expired.length };
}

test('none: a group that has never committed is an error', async () => {
  await expect(settle('none', ['-1', '-1'])).rejects.toMatchObject({
    code: 'GROUP_WITHOUT_OFFSETS',
  });
  // Also one that has ingested before: its offsets have expired, and an operator has to decide.
  await expect(settle('none', ['-1'], true)).rejects.toMatchObject({
    code: 'GROUP_WITHOUT_OFFSETS',
  });
});

test('none: a group with an offset for any partition starts, whatever the others have', async () => {
  expect(await settle('none', ['7', '-1', '-1'])).toEqual({ set: [], expired: 0 });
  expect(await settle('none', ['-1', '0'])).toEqual({ set: [], expired: 0 });
  // kafkajs's mark of an offset that was out of range: the group has committed.
  expect(await settle('none', ['-2', '-1'])).toEqual({ set: [], expired: 0 });
});

test('latest: only a group that has never committed starts at the end', async () => {
  expect(await settle('latest', ['-1', '-1'])).toEqual({
    set: [
      { partition: 0, offset: '50' },
      { partition: 1, offset: '50' },
    ],
    expired: 0,
  });
  expect(await settle('latest', ['7', '-1'])).toEqual({ set: [], expired: 0 });
  expect(await settle('latest', ['-1', '-1'], true)).toEqual({ set: [], expired: 1 });
});

describe('latest: while a new group has members, its offsets cannot be set', () => {
  const refused = new Error(
    'The consumer group must have no running instances, current state: Stable',
  );

  test('and are set as soon as it has none', async () => {
    const { set } = await settleTopics('latest', { orders: ['-1'] }, [], (attempt) =>
      attempt < 3 ? refused : undefined,
    );
    expect(set).toMatchObject([{ topic: 'orders', partitions: [{ partition: 0, offset: '50' }] }]);
  });

  test('and those that another bridge has set meanwhile are left alone', async () => {
    const { set } = await settleTopics('latest', { eu: ['-1'], us: ['-1'] }, [], (attempt, now) => {
      now['eu'] = ['7'];
      return attempt === 1 ? refused : undefined;
    });
    expect(set.map(({ topic }) => topic)).toEqual(['us']);
  });

  test('and a topic that stays without is read from its beginning, if another has one', async () => {
    const { set } = await settleTopics('latest', { eu: ['-1'], us: ['-1'] }, [], (attempt) =>
      attempt === 1 ? undefined : refused,
    );
    expect(set.map(({ topic }) => topic)).toEqual(['eu']);
  });

  test('which is an error if the members stay and commit nothing', async () => {
    await expect(
      settleTopics('latest', { orders: ['-1'] }, [], () => refused),
    ).rejects.toMatchObject({
      code: 'GROUP_WITHOUT_OFFSETS',
      message: expect.stringContaining('"orders"'),
    });
  });

  test('and another failure is not mistaken for that', async () => {
    const failure = new Error('no coordinator');
    await expect(settleTopics('latest', { orders: ['-1'] }, [], () => failure)).rejects.toBe(
      failure,
    );
  });
});

test('earliest: nothing is set, whatever has been committed', async () => {
  expect(await settle('earliest', ['-1', '3'])).toEqual({ set: [], expired: 0 });
});

describe('a group of two topics', () => {
  test('of which one has a committed offset is not new: the other was added, and is read from its beginning', async () => {
    for (const policy of ['latest', 'none', 'earliest'] as const) {
      expect(await settleTopics(policy, { eu: ['-1'], us: ['7', '-1'] }, ['eu'])).toEqual({
        set: [],
        expired: [],
      });
    }
  });

  test('latest: starts at the end of both if it has never committed', async () => {
    const { set } = await settleTopics('latest', { eu: ['-1', '-1'], us: ['-1'] });
    expect(set.map(({ topic, partitions }) => [topic, partitions.length])).toEqual([
      ['eu', 2],
      ['us', 1],
    ]);
  });

  test('latest: skips nothing of either if it has ingested one of them before', async () => {
    expect(await settleTopics('latest', { eu: ['-1'], us: ['-1'] }, ['us'])).toEqual({
      set: [],
      expired: ['us'],
    });
  });

  test('none: is an error that names both if it has never committed', async () => {
    await expect(settleTopics('none', { eu: ['-1'], us: ['-1'] })).rejects.toMatchObject({
      code: 'GROUP_WITHOUT_OFFSETS',
      message: expect.stringContaining('"eu", "us"'),
    });
  });
});
