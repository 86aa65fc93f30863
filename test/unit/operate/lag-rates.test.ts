import { allDrainedIn, lagRates } from '../../../src/operate/lag/lag-rates.ts';

const lag = (partition: number, committed: bigint | undefined, end: bigint) => ({
  partition,
  committed,
  end,
  lag: end - (committed ?? 0n),
});

const rates = (before: readonly ReturnType<typeof lag>[], now: readonly ReturnType<typeof lag>[]) =>
  lagRates(before, now, 10).map(({ partition, perSecond, drainsInSeconds }) => ({
    partition,
    perSecond,
    drainsInSeconds,
  }));

test('a partition drains at the rate at which the group has committed', () => {
  expect(rates([lag(0, 100n, 900n)], [lag(0, 300n, 900n)])).toEqual([
    { partition: 0, perSecond: 20, drainsInSeconds: 30 },
  ]);
});

test('a partition without lag has drained, and one without commits never does', () => {
  expect(rates([lag(0, 5n, 5n), lag(1, 2n, 9n)], [lag(0, 5n, 5n), lag(1, 2n, 9n)])).toEqual([
    { partition: 0, perSecond: 0, drainsInSeconds: 0 },
    { partition: 1, perSecond: 0, drainsInSeconds: undefined },
  ]);
});

test('a first commit, a new partition and a reset to an earlier offset give no rate', () => {
  const before = [lag(0, undefined, 9n), lag(1, 8n, 9n)];
  const now = [lag(0, 5n, 9n), lag(1, 2n, 9n), lag(2, 3n, 9n)];
  for (const { perSecond, drainsInSeconds } of rates(before, now)) {
    expect({ perSecond, drainsInSeconds }).toEqual({ perSecond: 0, drainsInSeconds: undefined });
  }
});

test('the topic has drained when its slowest partition has', () => {
  const [slow, stuck] = [
    lagRates([lag(0, 0n, 100n), lag(1, 0n, 100n)], [lag(0, 50n, 100n), lag(1, 10n, 100n)], 10),
    lagRates([lag(0, 0n, 100n), lag(1, 0n, 100n)], [lag(0, 50n, 100n), lag(1, 0n, 100n)], 10),
  ];
  expect(allDrainedIn(slow)).toBe(90);
  expect(allDrainedIn(stuck)).toBeUndefined();
  expect(allDrainedIn([])).toBe(0);
});
