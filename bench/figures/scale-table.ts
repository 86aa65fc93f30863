import type { TemporalKind } from '../../dev/stack/service.ts';
import type { Benchmark } from '../benchmarks/benchmark.ts';
import { endToEnd } from '../benchmarks/end-to-end.ts';
import { twoBridges, twoWorkers } from '../benchmarks/scale.ts';
import type { SideResult } from '../harness/report.ts';
import { readComparison } from '../harness/stored-result.ts';
import { createDays, withNotes } from './ages.ts';
import { markdownTable } from './markdown-table.ts';
import { rounded } from './numbers.ts';

/** The CPU time of an order by how many processes share the work. */
export function scaleTable(folder: string): string {
  const days = createDays(folder);
  const rowsOf = (
    benchmark: Benchmark,
    temporal: TemporalKind,
    sides: readonly (readonly [name: string, side: 'subject' | 'baseline'])[],
  ) => {
    const result = readComparison(folder, benchmark.name, temporal);
    if (!result) return [];
    return sides.map(([name, side]) => {
      const measured = result[side];
      const cpu = (process: string) => (measured ? rounded(cpuOf(measured, process)) : '');
      return [
        name,
        measured ? rounded(measured.value.median) : '',
        ...[cpu('bridge'), cpu('worker'), cpu('temporal'), cpu('postgres')],
        days.of(result, benchmark.code),
      ];
    });
  };
  const one = ['one bridge, one worker', 'baseline'] as const;
  const rows = [
    ...rowsOf(twoBridges, 'dev', [one, ['two bridges, one worker', 'subject']]),
    ...rowsOf(twoWorkers, 'dev', [one, ['one bridge, two workers', 'subject']]),
    ...rowsOf(endToEnd, 'postgres', [['one of each, Temporal on Postgres', 'subject']]),
  ];
  return withNotes(
    markdownTable(
      [
        ...['', 'orders/s', 'bridges, ms', 'workers, ms', 'Temporal, ms', 'Postgres, ms'],
        'measured',
      ],
      rows,
    ),
    days,
  );
}

/** `worker` and `worker 2` together. */
const cpuOf = ({ cpu }: SideResult, process: string) =>
  Object.entries(cpu)
    .filter(([name]) => name === process || name.startsWith(`${process} `))
    .reduce((sum, [, ms]) => sum + ms, 0);
