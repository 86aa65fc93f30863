import { reportedLag } from '../../../src/bridge/bridge-metrics.ts';

test('a bridge reports the lag of its own partitions and of those that no bridge reads', () => {
  const lag = new Map([
    [0, 10],
    [1, 11],
    [2, 12],
  ]);
  expect([...reportedLag(lag, new Set([0]), new Set([2])).keys()]).toEqual([0, 2]);
  expect(reportedLag(lag, new Set(), new Set()).size).toBe(0);
});
