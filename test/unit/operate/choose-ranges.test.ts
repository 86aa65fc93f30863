import { chooseRanges, type RangeAdmin } from '../../../src/operate/reconcile/choose-ranges.ts';

const ends = (...partitions: number[]) =>
  partitions.map((partition) => ({ partition, low: '0', high: '10', offset: '10' }));

/** A topic with two partitions, of which each answer about offsets is the next of these. */
function adminWith(...answers: (readonly number[])[]): RangeAdmin {
  const left = [...answers];
  return {
    fetchTopicMetadata: () =>
      Promise.resolve({
        topics: [
          {
            name: 'orders',
            partitions: [0, 1].map((partitionId) => ({
              partitionErrorCode: 0,
              partitionId,
              leader: 1,
              replicas: [1],
              isr: [1],
            })),
          },
        ],
      }),
    fetchOffsets: () =>
      Promise.resolve([
        {
          topic: 'orders',
          partitions: [0, 1].map((partition) => ({ partition, offset: '7', metadata: null })),
        },
      ]),
    fetchTopicOffsets: () => Promise.resolve(ends(...(left.shift() ?? []))),
    fetchTopicOffsetsByTimestamp: () => Promise.resolve(ends(...(left.shift() ?? []))),
  };
}

const group = { groupId: 'group', topic: 'orders' };

test('covers every partition up to what the group has committed', async () => {
  const { ranges } = await chooseRanges(adminWith([0, 1], [0, 1]), group, {});
  expect(ranges).toEqual(
    new Map([
      [0, { from: 0n, to: 7n }],
      [1, { from: 0n, to: 7n }],
    ]),
  );
});

test.each<readonly [string, RangeAdmin, object]>([
  ['from the start', adminWith([0]), {}],
  ['between two questions', adminWith([0, 1], [0]), {}],
  ['before the offsets of a time are asked', adminWith([0, 1], [0, 1], [0]), { since: 5 }],
])(
  'a partition whose leader is lost %s is named instead of left out',
  async (_when, admin, request) => {
    await expect(chooseRanges(admin, group, request)).rejects.toThrow(
      'partition 1 of "orders" has no leader',
    );
  },
);

test('a partition that is not asked about may be offline', async () => {
  const { ranges } = await chooseRanges(adminWith([0, 1], [0]), group, { partition: 0 });
  expect([...ranges.keys()]).toEqual([0]);
});
