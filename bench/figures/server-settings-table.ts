import type { SideResult } from '../harness/report.ts';
import { readVariants } from '../harness/stored-result.ts';
import { serverSettings } from '../variants/server-settings.ts';
import { createDays, withNotes } from './ages.ts';
import { markdownTable } from './markdown-table.ts';
import { rounded, spread, tenths } from './numbers.ts';

/** What each setting of the Temporal server on Postgres changes: medians, the first row without any. */
export function serverSettingsTable(folder: string): string {
  const days = createDays(folder);
  const result = readVariants(folder, serverSettings.name, 'postgres');
  if (!result) return 'Not measured with this version yet.';
  const [first] = result.sides;
  const rows = result.sides.map((side, index) => [
    side.name,
    tenths(totalOf(side)),
    index === 0 ? '' : (totalOf(side) / (first ? totalOf(first) : Number.NaN)).toFixed(2),
    ...[['temporal'], ['postgres', 'visibility database'], ['worker', 'bridge']].map((processes) =>
      tenths(sumOf(side, processes)),
    ),
    spread(side.value, rounded),
    `${Math.round(side.figures['MiB of the server'] ?? Number.NaN)} MiB`,
    index === 0 ? days.of(result, serverSettings.code) : '',
  ]);
  return withNotes(
    markdownTable(
      [
        ...['setting', 'all processes, ms', '÷ as installed', 'Temporal, ms', 'Postgres, ms'],
        'worker and bridge, ms',
        ...['orders/s', 'memory of the server', 'measured'],
      ],
      rows,
    ),
    days,
  );
}

const totalOf = ({ figures }: SideResult) => figures['CPU ms of all'] ?? Number.NaN;

const sumOf = ({ cpu }: SideResult, processes: readonly string[]) =>
  processes.reduce((sum, process) => sum + (cpu[process] ?? 0), 0);
