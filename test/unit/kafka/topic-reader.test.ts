import { RangeProgress } from '../../../src/kafka/topic-reader.ts';

const messages = (...offsets: number[]) => offsets.map((offset) => ({ offset: String(offset) }));

test('reads from the start of each range and is complete at the end of all', () => {
  const progress = new RangeProgress(
    new Map([
      [0, { from: 3n, to: 5n }],
      [1, { from: 0n, to: 1n }],
    ]),
  );
  expect([progress.nextOffset(0), progress.nextOffset(1)]).toEqual([3n, 0n]);
  progress.advance(0, 5n);
  expect(progress.isDone(0)).toBe(true);
  expect(progress.firstIncomplete).toEqual({ partition: 1, offset: 0n });
  progress.advance(1, 1n);
  expect(progress.isComplete).toBe(true);
});

test('a compacted or aborted end of a range counts as read once a later offset is reached', () => {
  const progress = new RangeProgress(new Map([[0, { from: 3n, to: 5n }]]));
  progress.advance(0, 9n);
  expect(progress.isComplete).toBe(true);
});

test('selects only messages within the range, and each of them once', () => {
  const progress = new RangeProgress(new Map([[0, { from: 3n, to: 6n }]]));
  expect(progress.select(0, messages(1, 2, 3, 4))).toEqual(messages(3, 4));
  progress.advance(0, 5n);
  // After a rebalance the batch is fetched again from an offset before.
  expect(progress.select(0, messages(3, 4, 5, 6))).toEqual(messages(5));
  progress.advance(0, 4n);
  expect(progress.nextOffset(0)).toBe(5n);
});

test('partitions without a range, and empty ranges, are not read', () => {
  const progress = new RangeProgress(new Map([[0, { from: 3n, to: 3n }]]));
  expect(progress.isComplete).toBe(true);
  progress.advance(1, 7n);
  for (const partition of [0, 1]) {
    expect(progress.nextOffset(partition)).toBeUndefined();
    expect(progress.isDone(partition)).toBe(true);
    expect(progress.select(partition, messages(0, 3, 4))).toEqual([]);
  }
});
