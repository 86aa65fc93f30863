import type { Admin } from 'kafkajs';
import {
  initializeOffsets,
  type AutoOffsetReset,
} from '../../../../src/kafka/consumer/starting-offsets.ts';

type StartingAdmin = Parameters<typeof initializeOffsets>[0];

/** Sets where a group with these committed offsets (-1 for none) starts, and returns what was done. */
async function settle(
  policy: AutoOffsetReset,
  committed: readonly string[],
  hasIngestedBefore = false,
) {
  const set: Parameters<Admin['setOffsets']>[0][] = [];
  let expired = 0;
  const ofAll = <Value>(value: (offset: string, partition: number) => Value) =>
    committed.map(value);
  const admin: StartingAdmin = {
    fetchOffsets: () =>
      Promise.resolve([
        {
          topic: 'orders',
          partitions: ofAll((offset, partition) => ({ partition, offset, metadata: null })),
        },
      ]),
    fetchTopicMetadata: () =>
      Promise.resolve({
        topics: [
          {
            name: 'orders',
            partitions: ofAll((_, partitionId) => ({
              partitionErrorCode: 0,
              partitionId,
              leader: 1,
              replicas: [1],
              isr: [1],
            })),
          },
        ],
      }),
    fetchTopicOffsets: () =>
      Promise.resolve(ofAll((_, partition) => ({ partition, offset: '50', low: '0', high: '50' }))),
    setOffsets: (options) => {
      set.push(options);
      return Promise.resolve();
    },
  };
  await initializeOffsets(admin, {
    groupId: 'group',
    topic: 'orders',
    policy,
    hasIngestedBefore: () => Promise.resolve(hasIngestedBefore),
    onExpired: () => {
      expired += 1;
    },
  });
  return { set: set.flatMap(({ partitions }) => partitions), expired };
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

test('earliest: nothing is set, whatever has been committed', async () => {
  expect(await settle('earliest', ['-1', '3'])).toEqual({ set: [], expired: 0 });
});
