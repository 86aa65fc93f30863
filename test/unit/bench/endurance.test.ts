import { summarize, tenthsOf } from '../../../bench/endurance/describe.ts';
import type { EnduranceResult, EnduranceSample } from '../../../bench/endurance/run-for-long.ts';

const sample = (stored: number, perSecond: number, run: number): EnduranceSample => ({
  seconds: stored / 10,
  stored,
  perSecond,
  cpu: { run: 8, temporal: perSecond / 10 },
  mebibytes: { run, temporal: 500 },
  workflows: stored / 2,
  temporalMebibytes: stored / 100,
});

const RESULT: EnduranceResult = {
  orders: 1000,
  retentionMs: 900_000,
  inOneProcess: true,
  deadLetters: 0,
  samples: [
    sample(40, 90, 300),
    sample(70, 110, 350),
    sample(100, 100, 320),
    // None is between 100 and 900.
    sample(950, 80, 310),
    sample(1000, 60, 330),
  ],
};

test('a tenth of the orders has its median rate and cost, its highest memory, and what Temporal has at its end', () => {
  const [first, last, ...others] = tenthsOf(RESULT);
  expect(first).toEqual({
    stored: 100,
    perSecond: 100,
    cpu: 18,
    mebibytes: { run: 350, temporal: 500 },
    workflows: 50,
    temporalMebibytes: 1,
  });
  expect(last).toMatchObject({ stored: 1000, mebibytes: { run: 330 }, workflows: 500 });
  expect(others).toEqual([]);
});

test('the summary gives the time, the rate of all orders, and the range of its tenths', () => {
  expect(summarize(RESULT).split('\n').slice(0, 2)).toEqual([
    '1000 orders in 1.67 min, 10.00/s; every order is one row; every offset is committed; 0 dead letters',
    '  rate in each tenth of the run: 70.00 to 100 orders/s',
  ]);
});
