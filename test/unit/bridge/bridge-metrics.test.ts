import { reportedPartitions } from '../../../src/bridge/bridge-metrics.ts';

test('a bridge reports the lag of its own partitions and of those that no bridge reads', () => {
  const partitions = [0, 1, 2].map((partition) => ({
    ...{ partition, committed: 0n, end: 10n, lag: 10n },
  }));
  const reported = (own: Set<number>, unread: Set<number>) =>
    reportedPartitions({ partitions, unread }, own).map(({ partition }) => partition);
  expect(reported(new Set([0]), new Set([2]))).toEqual([0, 2]);
  expect(reported(new Set(), new Set())).toEqual([]);
});
