import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { chooseBenchmarks, EVERY_BENCHMARK } from '../../../bench/choose.ts';
import { outcomeOf, roundsOf } from '../../../bench/harness/compare.ts';
import { describeResult, describeSides, resultOf } from '../../../bench/harness/report.ts';
import { RESULTS_DIR } from '../../../bench/harness/stored-result.ts';
import type { Benchmark } from '../../../bench/benchmarks/benchmark.ts';

const benchmark: Benchmark = {
  name: 'end-to-end',
  ratio: 'ours ÷ theirs',
  unit: 'orders/s',
  goal: { atLeast: 1 },
  code: [],
  prepare: () => Promise.reject(new Error('not used')),
};
const side = (name: string) => ({ name, measure: () => Promise.resolve({ value: 0 }) });
const comparison = {
  subject: side('ours'),
  baseline: side('theirs'),
  close: () => Promise.resolve(),
};
const round = (ours: number, theirs: number) => ({
  subject: { value: ours },
  baseline: { value: theirs },
});

test('a result is one line of at most 100 characters', () => {
  const rounds = [round(120_000, 100_000), round(110_000, 100_000), round(130_000, 100_000)];
  const line = describeResult(resultOf(benchmark, comparison, rounds));
  expect(line.split(/ {2,}/)).toEqual([
    ...['end-to-end', '1.20 (1.10 to 1.30)', '≥ 1', 'reached', '120000 ÷ 100000 orders/s'],
  ]);
  expect(line.length).toBeLessThanOrEqual(100);
});

test('variants are one line', () => {
  const value = { median: 95.4, low: 90, high: 99 };
  const sides = ['10', '100'].map((name) => ({ name, value, cpu: {}, figures: {} }));
  expect(describeSides('waiting-orders', sides, 'orders/s')).toBe(
    'waiting-orders       10: 95.40, 100: 95.40 orders/s',
  );
});

test('a figure without a goal has no verdict', () => {
  const { goal, ...without } = benchmark;
  expect(goal).toBeDefined();
  const result = resultOf(without, { ...comparison }, [round(1, 1)]);
  expect(result).not.toHaveProperty('verdict');
  expect(describeResult(result)).toContain('1.00 ÷ 1.00 orders/s');
});

const namesOf = (...args: Parameters<typeof chooseBenchmarks>) =>
  chooseBenchmarks(...args).map(({ name }) => name);

test('without names, the short form has the main benchmarks, and no variants', () => {
  expect(namesOf([], 'short', 'dev')).toEqual([
    ...['end-to-end', 'shape', 'start', 'overhead', 'duplicates', 'translate', 'store'],
    ...['memory', 'commit', 'cost'],
  ]);
});

test('without names, the full form has everything that means something on the server', () => {
  const all = EVERY_BENCHMARK.map(({ name }) => name).filter((name) => name !== 'one-process-rate');
  expect(namesOf([], 'full', 'postgres')).toEqual(all);
  const onPostgresOnly = [
    ...['end-to-end-run', 'tuned-server'],
    ...['one-process-cpu', 'one-process-latency'],
    ...['latency-p50', 'latency-p99', 'orders-show', 'storage', 'deletion', 'cluster'],
  ];
  expect(namesOf([], 'full', 'dev')).toEqual(all.filter((name) => !onPostgresOnly.includes(name)));
});

test('what is named is measured in either form', () => {
  expect(namesOf(['deletion', 'starts-at-once'], 'short', 'postgres')).toEqual([
    ...['deletion', 'starts-at-once'],
  ]);
});

test('what is measured in the rounds of another benchmark chooses that one', () => {
  expect(namesOf(['one-process-rate'], 'full', 'postgres')).toEqual(['one-process-cpu']);
});

test('the rounds of one benchmark also have what another compares', () => {
  const sample = (value: number, rate: number) => ({ value, figures: { 'orders/s': rate } });
  const rounds = [{ subject: sample(10, 200), baseline: sample(20, 100) }];
  const [swapped] = roundsOf('orders/s', rounds, 'CPU ms');
  expect(swapped).toEqual({
    subject: { value: 200, figures: { 'orders/s': 200, 'CPU ms': 10 } },
    baseline: { value: 100, figures: { 'orders/s': 100, 'CPU ms': 20 } },
  });
  expect(outcomeOf(rounds[0] ?? round(1, 1))).toBe(0.5);
  expect(outcomeOf(swapped ?? round(1, 1))).toBe(2);
});

test('the figures of the documents are not of the short form', () => {
  const files = readdirSync(RESULTS_DIR).filter((file) => file.endsWith('.json'));
  expect(files.length).toBeGreaterThan(20);
  const forms = files.map((file) => {
    const { form = 'full' } = JSON.parse(readFileSync(path.join(RESULTS_DIR, file), 'utf8')) as {
      readonly form?: string;
    };
    return `${file} ${form}`;
  });
  expect(forms.filter((form) => !form.endsWith(' full'))).toEqual([]);
});
