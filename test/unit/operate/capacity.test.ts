import { estimateCapacity, type OrderCost } from '../../../src/operate/capacity/estimate.ts';
import { MEASURED } from '../../../src/operate/capacity/measured.ts';

test('cores, calls and bytes are proportional to the rate', () => {
  const half = estimateCapacity(500);
  const full = estimateCapacity(1000);
  expect(full.temporal.cores.history).toBeCloseTo(2 * half.temporal.cores.history);
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
  expect(parts).toEqual([
    ...['Postgres', 'Temporal', 'Temporal', 'Temporal', 'Temporal', 'Temporal Cloud', 'Postgres'],
    'the design',
  ]);
});

/** Figures that make the results easy to compute. */
const COST: OrderCost = {
  ...MEASURED,
  frontendCpuMs: 2,
  historyCpuMs: 6,
  matchingCpuMs: 1,
  deletionCpuMs: 3,
  temporalDatabaseCpuMs: 9,
  deletionDatabaseCpuMs: 3,
  frontendCalls: 3,
  historyCalls: 6,
  historyDatabaseCalls: 9,
  deletionDatabaseCalls: 3,
  matchingCalls: 4,
  matchingDatabaseCalls: 1,
  mainBytes: 3000,
  visibilityBytes: 5000,
};
const UTILISATION = 0.6;

test('the cores of history and of the database include the deletion at the end of retention', () => {
  const { cores, databaseCores } = estimateCapacity(1000, COST).temporal;
  expect(cores.frontend).toBeCloseTo(2 / UTILISATION);
  expect(cores.history).toBeCloseTo((6 + 3) / UTILISATION);
  expect(cores.matching).toBeCloseTo(1 / UTILISATION);
  expect(databaseCores).toBeCloseTo((9 + 3) / UTILISATION);
});

test('the bytes of both databases of Temporal are estimated per day of retention', () => {
  const { mainBytesPerDay, visibilityBytesPerDay } = estimateCapacity(1000, COST).temporal;
  expect(mainBytesPerDay).toBe(1000 * 86_400 * 3000);
  expect(visibilityBytesPerDay).toBe(1000 * 86_400 * 5000);
});

test.each([
  // 60 % of 2,400 calls are 480 orders per second, of 3,000 are 300, of 1,200 are 180.
  [180, { frontend: 1, history: 1, matching: 1 }],
  [181, { frontend: 1, history: 1, matching: 2 }],
  [481, { frontend: 2, history: 2, matching: 3 }],
  [1800, { frontend: 4, history: 6, matching: 10 }],
])('%d orders/s need as many hosts as their limits on calls demand', (rate, hosts) => {
  expect(estimateCapacity(rate, COST).temporal.hosts).toEqual(hosts);
});

test('calls to the database can demand more hosts than calls of other services', () => {
  const cost = {
    ...COST,
    ...{ historyDatabaseCalls: 40, deletionDatabaseCalls: 14, matchingDatabaseCalls: 18 },
  };
  // 60 % of 9,000 calls are 100 orders per second, and so are 60 % of 3,000.
  expect(estimateCapacity(1000, cost).temporal.hosts).toEqual({
    ...{ frontend: 3, history: 10, matching: 10 },
  });
});

test('more than one host of a service is a limit that names the settings', () => {
  expect(estimateCapacity(180, COST).limits).toEqual([]);
  const [limit] = estimateCapacity(181, COST).limits;
  expect(limit).toMatchObject({
    part: 'Temporal',
    reached: '1 host of frontend, 1 of history, 2 of matching',
  });
  for (const key of [
    'frontend.namespaceRPS',
    'frontend.namespaceRPS.visibility',
    'history.rps',
    'matching.rps',
  ]) {
    expect(limit?.change.split(/: |, /)).toContain(key);
  }
});

test.each([
  // By default, a namespace allows 500 actions and 2,000 requests per second.
  [250, 2, 8, []],
  [251, 2, 3, ['502 actions and 753 requests per second']],
  [251, 1, 8, ['251 actions and 2,008 requests per second']],
])(
  '%d orders/s with %d actions and %d calls each are checked against both limits of Temporal Cloud',
  (rate, actions, frontendCalls, reached) => {
    const { limits } = estimateCapacity(rate, { ...COST, actions, frontendCalls });
    const ofCloud = limits.filter(({ part }) => part === 'Temporal Cloud');
    expect(ofCloud.map((limit) => limit.reached)).toEqual(reached);
  },
);

test('each partition of the task queue is enough for 250 orders/s', () => {
  const partitions = (rate: number) => estimateCapacity(rate, COST).temporal.taskQueuePartitions;
  expect([1, 250, 251, 1001, 3000].map(partitions)).toEqual([1, 1, 2, 5, 12]);
});

test('more partitions of the task queue than the default are a limit', () => {
  const changes = (rate: number) =>
    estimateCapacity(rate, COST).limits.filter(({ change }) => change.includes('Partitions'));
  expect(changes(1000)).toEqual([]);
  expect(changes(1001)).toHaveLength(1);
});
