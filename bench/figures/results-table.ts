import { TEMPORAL_KINDS } from '../../dev/stack/service.ts';
import type { Benchmark } from '../benchmarks/benchmark.ts';
import { BENCHMARKS } from '../benchmarks/index.ts';
import type { Verdict } from '../harness/compare.ts';
import { goalText, type Result } from '../harness/report.ts';
import { readComparison } from '../harness/stored-result.ts';
import { createDays, withNotes } from './ages.ts';
import { markdownTable } from './markdown-table.ts';
import { spread, spreadWithUnit, withUnit } from './numbers.ts';

const VERDICTS: Readonly<Record<Verdict, string>> = {
  reached: '',
  missed: ', **missed**',
  inconclusive: ', inconclusive',
};

/** Every benchmark that has a result, with a row for each Temporal server. */
export function resultsTable(folder: string): string {
  const days = createDays(folder);
  const rows = BENCHMARKS.flatMap((benchmark) =>
    TEMPORAL_KINDS.flatMap((temporal) => {
      const result = readComparison(folder, benchmark.name, temporal);
      return result ? [{ benchmark, result, day: days.of(result, benchmark.code) }] : [];
    }),
  ).map(({ benchmark, result, day }, index, all) => {
    const isSecond = all[index - 1]?.benchmark === benchmark;
    const server = result.temporal === 'postgres' ? ', Temporal on Postgres' : '';
    return [
      isSecond ? '' : `\`${benchmark.name}\``,
      isSecond ? `the same${server}` : `${benchmark.ratio}${server}`,
      result.baseline ? spread(result.outcome) : spreadWithUnit(result.outcome, benchmark.unit),
      result.goal && result.verdict ? `${goalText(result.goal)}${VERDICTS[result.verdict]}` : '',
      sidesText(result, benchmark),
      String(result.rounds.length),
      day,
    ];
  });
  return withNotes(
    markdownTable(
      ['name', 'what is measured', 'figure', 'target', 'of both sides', 'rounds', 'measured'],
      rows,
    ),
    days,
  );
}

const sidesText = ({ subject, baseline }: Result, { unit }: Benchmark) =>
  baseline
    ? `${withUnit(subject.value.median, unit)} ÷ ${withUnit(baseline.value.median, unit)}`
    : '';
