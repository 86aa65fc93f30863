import { estimateCapacity } from '../../../src/operate/capacity/estimate.ts';

test('cores, calls and bytes are proportional to the rate', () => {
  const half = estimateCapacity(500);
  const full = estimateCapacity(1000);
  expect(full.temporal.serverCores).toBeCloseTo(2 * half.temporal.serverCores);
  expect(full.temporal.grpcCallsPerSecond).toBeCloseTo(2 * half.temporal.grpcCallsPerSecond);
  expect(full.postgres.bytesPerDay).toBeCloseTo(2 * half.postgres.bytesPerDay);
  expect(full.cloud.actionsPerMonth).toBeCloseTo(2 * half.cloud.actionsPerMonth);
});

test('there are at least two bridges, two workers, and one partition per bridge', () => {
  const { bridges, workers, kafka } = estimateCapacity(1);
  expect({ bridges, workers }).toEqual({ bridges: 2, workers: 2 });
  expect(kafka.partitions).toBeGreaterThanOrEqual(bridges);
});

test.each([1, 100, 3000, 100_000])(
  'the number of history shards for %d orders/s is a power of two within bounds',
  (n) => {
    const { historyShards } = estimateCapacity(n).temporal;
    expect(Number.isInteger(Math.log2(historyShards))).toBe(true);
    expect(historyShards).toBeGreaterThanOrEqual(512);
    expect(historyShards).toBeLessThanOrEqual(16_384);
  },
);

test('the limits name the parts for which scaling out is not enough', () => {
  expect(estimateCapacity(100).limits).toEqual([]);
  const parts = estimateCapacity(100_000).limits.map(({ part }) => part);
  expect(parts).toEqual(['Postgres', 'Temporal', 'Temporal Cloud', 'Postgres', 'the design']);
});
