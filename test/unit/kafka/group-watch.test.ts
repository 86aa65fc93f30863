import { otherMembers } from '../../../src/kafka/group-members.ts';
import { EMPTY_GROUP, overlapSince, watchGroup } from '../../../src/kafka/group-watch.ts';
import { eventually } from '../../support/eventually.ts';
import { group, member } from '../../support/group-description.ts';

const overlapping = (...names: readonly [string, string[]][]) =>
  otherMembers(group(names.map(([id, topics]) => member(id, topics, {}))), ['eu', 'us'])
    .overlapping;

test('overlapping members keep the time at which they appeared until they or their topics change', () => {
  const first = overlapSince(
    EMPTY_GROUP.overlapping,
    overlapping(['a', ['eu']], ['b', ['eu']]),
    1000,
  );
  expect(first.since).toBe(1000);
  // In whatever order the coordinator lists them.
  const same = overlapSince(first, overlapping(['b', ['eu']], ['a', ['eu']]), 2000);
  expect(same).toBe(first);
  const replaced = overlapSince(same, overlapping(['b', ['eu']]), 3000);
  expect(replaced.since).toBe(3000);
  expect(overlapSince(replaced, overlapping(['b', ['us']]), 4000).since).toBe(4000);
  expect(overlapSince(replaced, [], 5000).members).toEqual([]);
});

describe('a group of three topics', () => {
  /** The requests about the topic `deleted` fail with this. */
  let failure: Error;
  let failures: number;
  const answer = <Answer>(topic: string, value: Answer): Promise<Answer> => {
    if (topic !== 'deleted') return Promise.resolve(value);
    failures += 1;
    return Promise.reject(failure);
  };
  beforeEach(() => {
    failures = 0;
    failure = Object.assign(new Error('does not host'), { type: 'UNKNOWN_TOPIC_OR_PARTITION' });
  });
  const admin = {
    connect: () => Promise.resolve(),
    disconnect: () => Promise.resolve(),
    fetchTopicMetadata: ({ topics: [topic = ''] }: { topics: string[] }) =>
      answer(topic, { topics: [{ partitions: [{ partitionId: 0, leader: 1 }] }] }),
    fetchTopicOffsets: (topic: string) =>
      answer(topic, [{ partition: 0, low: '0', high: '10', offset: '10' }]),
    fetchOffsets: ({ topics: [topic = ''] }: { topics: string[] }) =>
      answer(topic, [{ topic, partitions: [{ partition: 0, offset: '7', metadata: null }] }]),
    describeGroups: () =>
      Promise.resolve({
        groups: [
          {
            state: 'Stable',
            members: [
              member('a', ['eu', 'us', 'deleted'], { eu: [0] }),
              member('b', ['other'], {}),
            ],
          },
        ],
      }),
  };
  const watch = () =>
    watchGroup({
      kafka: { admin: () => admin } as never,
      groupId: 'group',
      topics: ['eu', 'deleted', 'us'],
      intervalMs: 5,
      onOverlap: () => undefined,
    });

  test('of which one is missing is queried without that one', async () => {
    const watching = watch();
    const { latest } = watching;
    try {
      await eventually(() => {
        expect(latest().foreign).toHaveLength(1);
      });
      expect(latest().partitions).toMatchObject([
        { topic: 'eu', committed: 7n, lag: 3n },
        { topic: 'us', committed: 7n, lag: 3n },
      ]);
      expect(latest().unread).toEqual(new Set(['us/0']));
    } finally {
      watching.stop();
    }
  });

  test('keeps the latest results while the broker is unavailable', async () => {
    const watching = watch();
    const { latest } = watching;
    try {
      await eventually(() => {
        expect(latest().foreign).toHaveLength(1);
      });
      failure = new Error('no connection');
      failures = 0;
      // The first one may belong to a query that began before; the third shows that the second query has ended.
      await eventually(() => {
        expect(failures).toBeGreaterThan(2);
      });
      expect(latest().partitions.map(({ topic }) => topic)).toEqual(['eu', 'us']);
    } finally {
      watching.stop();
    }
  });
});
