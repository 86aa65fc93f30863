import { jest } from '@jest/globals';
import { committedOffsets, type CommittedOffset } from '../../../src/kafka/group-positions.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const offsets = (...answers: (readonly string[])[]) => {
  const fetchOffsets = () => {
    const answer = (answers.length > 1 ? answers.shift() : answers[0]) ?? [];
    const partitions = answer.map((offset, partition) => ({ partition, offset, metadata: null }));
    return Promise.resolve([{ topic: 'orders', partitions }]);
  };
  return committedOffsets({ fetchOffsets }, 'group', 'orders');
};

test('distinguishes an offset, no offset, and a reset because the offset was out of range', async () => {
  expect(await offsets(['7', '-1', '-2'])).toEqual(
    new Map<number, CommittedOffset>([
      [0, 7n],
      [1, 'none'],
      [2, 'reset'],
    ]),
  );
});

test('requests the offsets again when the answer names no partition', async () => {
  const found = offsets([], [], ['7']);
  await jest.advanceTimersByTimeAsync(1000);
  expect(await found).toEqual(new Map([[0, 7n]]));
});

test('never treats an answer without partitions as a group without offsets', async () => {
  const found = expect(offsets([])).rejects.toThrow(/no partition/);
  await jest.advanceTimersByTimeAsync(60_000);
  await found;
});
