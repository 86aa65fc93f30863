import { chooseRanges, type RangeAdmin } from '../../../src/operate/reconcile/choose-ranges.ts';

const ends = (...partitions: number[]) =>
  partitions.map((partition) => ({ partition, low: '0', high: '10', offset: '10' }));

/** A topic with two partitions. Each answer about offsets has the next of these lists of partitions. */
function adminWith(...answers: (readonly number[])[]): RangeAdmin {
  const remaining = [...answers];
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
    fetchTopicOffsets: () => Promise.resolve(ends(...(remaining.shift() ?? []))),
    fetchTopicOffsetsByTimestamp: () => Promise.resolve(ends(...(remaining.shift() ?? []))),
  };
}

const group = { groupId: 'group', topic: 'orders' };

test('covers every partition up to the committed offset of the group', async () => {
  const { ranges } = await chooseRanges(adminWith([0, 1], [0, 1]), group, {});
  expect(ranges).toEqual(
    new Map([
      [0, { from: 0n, to: 7n }],
      [1, { from: 0n, to: 7n }],
    ]),
  );
});

test('lists the partitions in their order, whatever that of the answer', async () => {
  const { ranges } = await chooseRanges(adminWith([1, 0], [1, 0]), group, {});
  expect([...ranges.keys()]).toEqual([0, 1]);
});

test.each<readonly [string, RangeAdmin, object]>([
  ['before the first request', adminWith([0]), {}],
  ['between two requests', adminWith([0, 1], [0]), {}],
  [
    'before the offsets for a timestamp are requested',
    adminWith([0, 1], [0, 1], [0]),
    { since: 5 },
  ],
])('a partition that loses its leader %s is named, not left out', async (_when, admin, request) => {
  await expect(chooseRanges(admin, group, request)).rejects.toMatchObject({
    code: 'KAFKA_PARTITION_OFFLINE',
    message: expect.stringContaining('partition 1 of "orders"'),
  });
});

test('a partition that is not requested may be offline', async () => {
  const { ranges } = await chooseRanges(adminWith([0, 1], [0]), group, { partition: 0 });
  expect([...ranges.keys()]).toEqual([0]);
});

test('limits the range to what the log has, and counts the offsets that are gone', async () => {
  const admin: RangeAdmin = {
    ...adminWith([0, 1], [0, 1]),
    fetchTopicOffsets: () =>
      Promise.resolve(
        [0, 1].map((partition) => ({ partition, low: '4', high: '10', offset: '10' })),
      ),
  };
  const chosen = await chooseRanges(admin, group, { partition: 0, from: 1n, to: 99n });
  expect(chosen.ranges).toEqual(new Map([[0, { from: 4n, to: 10n }]]));
  expect(chosen.gone).toEqual(new Map([[0, 3n]]));
  const all = await chooseRanges(admin, group, {});
  expect(all.gone).toEqual(
    new Map([
      [0, 4n],
      [1, 4n],
    ]),
  );
});

test('a partition that does not exist is an error', async () => {
  await expect(chooseRanges(adminWith([0, 1]), group, { partition: 2 })).rejects.toMatchObject({
    code: 'PARTITION_NOT_FOUND',
  });
});
