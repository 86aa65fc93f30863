import { cost } from '../benchmarks/cost.ts';
import { readComparison } from '../harness/stored-result.ts';
import { createDays, withNotes } from './ages.ts';
import { markdownTable } from './markdown-table.ts';
import { rounded } from './numbers.ts';

/** What Temporal's server counts for an order, and for one with two regular activities. */
export function costTable(folder: string): string {
  const result = readComparison(folder, cost.name, 'dev');
  if (!result?.baseline) throw new Error(`no result of ${cost.name} in ${folder}`);
  const { subject, baseline } = result;
  const days = createDays(folder);
  const rows = [
    ['billable actions', rounded(subject.value.median), rounded(baseline.value.median)],
    ...Object.entries(subject.figures).map(([name, figure]) => [
      name,
      rounded(figure),
      rounded(baseline.figures[name] ?? 0),
    ]),
    ['measured', days.of(result, cost.code), ''],
  ];
  return withNotes(markdownTable(['per order', subject.name, baseline.name], rows), days);
}
