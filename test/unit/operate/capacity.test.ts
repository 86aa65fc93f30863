import { estimateCapacity } from '../../../src/operate/capacity/estimate.ts';

test('cores, calls and bytes grow with the orders', () => {
  const one = estimateCapacity(500);
  const two = estimateCapacity(1000);
  expect(two.temporal.serverCores).toBeCloseTo(2 * one.temporal.serverCores);
  expect(two.temporal.grpcCallsPerSecond).toBeCloseTo(2 * one.temporal.grpcCallsPerSecond);
  expect(two.postgres.bytesPerDay).toBeCloseTo(2 * one.postgres.bytesPerDay);
  expect(two.cloud.actionsPerMonth).toBeCloseTo(2 * one.cloud.actionsPerMonth);
});

test('there are two bridges and two workers at least, and a partition for each bridge', () => {
  const { bridges, workers, kafka } = estimateCapacity(1);
  expect({ bridges, workers }).toEqual({ bridges: 2, workers: 2 });
  expect(kafka.partitions).toBeGreaterThanOrEqual(bridges);
});

test.each([1, 100, 3000, 100_000])('history shards for %d/s are a power of two in bounds', (n) => {
  const { historyShards } = estimateCapacity(n).temporal;
  expect(Number.isInteger(Math.log2(historyShards))).toBe(true);
  expect(historyShards).toBeGreaterThanOrEqual(512);
  expect(historyShards).toBeLessThanOrEqual(16_384);
});

test('it says where more of the same no longer helps', () => {
  expect(estimateCapacity(100).limits).toEqual([]);
  const parts = estimateCapacity(100_000).limits.map(({ part }) => part);
  expect(parts).toEqual(['Postgres', 'Temporal', 'Temporal Cloud', 'Postgres', 'the design']);
});
