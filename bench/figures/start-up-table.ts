import { startUp } from '../benchmarks/start-up.ts';
import { readComparison } from '../harness/stored-result.ts';
import { createDays, withNotes } from './ages.ts';
import { markdownTable } from './markdown-table.ts';
import { rounded } from './numbers.ts';

/** How long the programs and a command take from their start. */
export function startUpTable(folder: string): string {
  const days = createDays(folder);
  const result = readComparison(folder, startUp.name, 'dev');
  if (!result) return 'Not measured with this version yet.';
  const { name, value, figures } = result.subject;
  const rows = [
    [`\`${name}\``, rounded(Math.round(value.median))],
    ...Object.entries(figures).map(([what, ms]) => [what, rounded(Math.round(ms))]),
    ['measured', days.of(result, startUp.code)],
  ];
  return withNotes(markdownTable(['from the start of the process', 'ms'], rows), days);
}
