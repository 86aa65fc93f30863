import { jest } from '@jest/globals';
import { Partition } from '../../../../src/kafka/consumer/partition.ts';
import type { PartitionPosition } from '../../../../src/kafka/group-positions.ts';

type Committed = PartitionPosition['committed'];

const at = (committed: Committed, low = 0n, high = 1000n): PartitionPosition => ({
  partition: 0,
  committed,
  low,
  high,
});

/** A partition whose group offset was last seen as `known` and that the broker reports like this. */
function opened(position: PartitionPosition, known?: Committed) {
  const partition = new Partition({ topic: 'orders', partition: 0 }, known);
  const anomaly = partition.setPosition(position);
  return { partition, anomaly, next: partition.next };
}

test.each<[string, PartitionPosition, Committed | undefined, object]>([
  ['its committed offset', at(10n), undefined, { next: 10n }],
  ['the oldest message if nothing was ever committed', at('none', 5n), undefined, { next: 5n }],
  [
    'the oldest message if the messages at the committed offset were deleted, and reports it',
    at(10n, 25n),
    undefined,
    {
      next: 25n,
      anomaly: { kind: 'messages-lost', topic: 'orders', partition: 0, from: 10n, to: 25n },
    },
  ],
  [
    'the oldest message if the log ends before the committed offset, and reports it',
    at(100n, 0n, 20n),
    undefined,
    {
      next: 0n,
      anomaly: { kind: 'log-restarted', topic: 'orders', partition: 0, from: 100n, to: 0n },
    },
  ],
  [
    'the oldest message if kafkajs has replaced the offset, and reports what is lost since the known one',
    at('reset', 25n),
    10n,
    {
      next: 25n,
      anomaly: { kind: 'messages-lost', topic: 'orders', partition: 0, from: 10n, to: 25n },
    },
  ],
  [
    'the oldest message if kafkajs has replaced an unknown offset, and reports that something is lost',
    at('reset', 25n),
    undefined,
    {
      next: 25n,
      anomaly: { kind: 'messages-lost', topic: 'orders', partition: 0, from: undefined, to: 25n },
    },
  ],
  [
    'the oldest message, without a second report of the same loss',
    at('reset', 25n),
    'reset',
    { next: 25n },
  ],
])('a partition is opened at %s', (_name, position, known, expected) => {
  const { next, anomaly } = opened(position, known);
  expect({ next, anomaly }).toEqual({ anomaly: undefined, ...expected });
});

test('a batch is accepted only at the expected offset', () => {
  const { partition } = opened(at(10n));
  expect(partition.accepts(10n)).toBe(true);
  partition.finishUpTo(20n);
  expect([10n, 15n, 21n].map((offset) => partition.accepts(offset))).toEqual([false, false, false]);
  expect(partition.accepts(20n)).toBe(true);
});

test('the first batch of a group without an offset commits the offset at which it begins', () => {
  const { partition } = opened(at('none'));
  expect(partition.pending).toBeUndefined();
  expect(partition.accepts(0n)).toBe(true);
  expect(partition.pending).toBe(0n);
});

test('a log that still has the expected offset is no anomaly and moves nothing', () => {
  const { partition } = opened(at(10n));
  for (const log of [{ low: 10n, high: 10n }, { low: 0n, high: 10n }, at(10n)]) {
    expect(partition.compareWithLog(log)).toBeUndefined();
  }
  expect([partition.next, partition.pending]).toEqual([10n, undefined]);
});

test.each([
  ['messages-lost', { low: 25n, high: 40n }],
  ['log-restarted', { low: 0n, high: 9n }],
] as const)(
  'a log without the expected offset is %s and is read from its beginning',
  (kind, log) => {
    const { partition } = opened(at(10n));
    expect(partition.compareWithLog(log)).toEqual({
      kind,
      topic: 'orders',
      partition: 0,
      from: 10n,
      to: log.low,
    });
    expect([partition.next, partition.pending]).toEqual([log.low, log.low]);
  },
);

test('the offset of the group is recognized only if this member knows or explains it', () => {
  const { partition } = opened(at(10n));
  expect(partition.recognizes(10n)).toBe(true);
  expect(partition.recognizes(7n)).toBe(false);
  expect(partition.recognizes('none')).toBe(false);
  // kafkajs commits this when an offset is out of range.
  expect(partition.recognizes('reset')).toBe(true);
  expect(partition.recognizes(10n)).toBe(false);
});

test('an offset that was sent without an answer is recognized, as it may have been committed', () => {
  const { partition } = opened(at(10n));
  partition.finishUpTo(20n);
  partition.commitSent();
  partition.commitFailed(20n);
  expect(partition.recognizes(10n)).toBe(true);
  expect(partition.recognizes(20n)).toBe(true);
});

test('an offset that was sent stays recognized when an earlier one is acknowledged', () => {
  const { partition } = opened(at(10n));
  partition.finishUpTo(20n);
  partition.commitSent();
  partition.finishUpTo(30n);
  partition.commitSent();
  partition.commitAcknowledged(20n);
  expect(partition.recognizes(30n)).toBe(true);
});

test('after a failed commit its offset is pending again, unless a later one is pending by now', () => {
  const { partition } = opened(at(10n));
  partition.finishUpTo(20n);
  partition.commitSent();
  expect(partition.pending).toBeUndefined();
  partition.commitFailed(20n);
  expect(partition.pending).toBe(20n);
  partition.commitSent();
  partition.finishUpTo(30n);
  partition.commitFailed(20n);
  expect(partition.pending).toBe(30n);
});

describe('the age of what is not committed', () => {
  beforeEach(() => {
    jest.useFakeTimers({ now: 0 });
  });
  afterEach(() => {
    jest.useRealTimers();
  });

  test('begins with the oldest message that is finished and ends with its commit', () => {
    const { partition } = opened(at(10n));
    expect(partition.commitAgeMs).toBe(0);
    partition.finishUpTo(20n);
    jest.setSystemTime(1000);
    partition.finishUpTo(30n);
    expect(partition.commitAgeMs).toBe(1000);
    partition.commitSent();
    partition.commitFailed(30n);
    expect(partition.commitAgeMs).toBe(1000);
    partition.commitSent();
    partition.commitAcknowledged(30n);
    expect(partition.commitAgeMs).toBe(0);
  });
});

test('the offset that other members commit is taken over only until the partition is open', () => {
  const partition = new Partition({ topic: 'orders', partition: 0 }, 5n);
  partition.observe(7n);
  expect(partition.committed).toBe(7n);
  partition.setPosition(at(10n));
  partition.observe(12n);
  expect(partition.committed).toBe(10n);
});
