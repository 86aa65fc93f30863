import { cluster } from '../benchmarks/cluster.ts';
import type { SideResult } from '../harness/report.ts';
import { readComparison } from '../harness/stored-result.ts';
import { createDays, withNotes } from './ages.ts';
import { markdownTable } from './markdown-table.ts';
import { rounded, tenths } from './numbers.ts';

const SERVICES = ['frontend', 'history', 'matching', 'worker'];
const CALLED = ['frontend', 'history', 'matching'];

/** What an order costs a Temporal server in one process, and one whose services have processes of their own. */
export function clusterTable(folder: string): string {
  const days = createDays(folder);
  const result = readComparison(folder, cluster.name, 'postgres');
  if (!result?.baseline) return 'Not measured with this version yet.';
  const sides = [result.baseline, result.subject];
  const row = (what: string, valueOf: (side: SideResult) => string) => [
    what,
    ...sides.map(valueOf),
  ];
  const figure = (name: string) => row(name, ({ figures }) => rounded(figures[name] ?? Number.NaN));
  const rows = [
    ...SERVICES.map((service) =>
      row(`CPU of ${service}, ms`, (side) => {
        const ms = cpuOf(side, `temporal ${service}`);
        return ms === 0 ? '' : tenths(ms);
      }),
    ),
    row("CPU of Temporal's processes together, ms", ({ value }) => tenths(value.median)),
    row('CPU of Postgres, ms', (side) => tenths(cpuOf(side, 'postgres'))),
    ...CALLED.map((service) => figure(`calls of ${service}`)),
    ...CALLED.map((service) => figure(`database calls of ${service}`)),
    figure('orders/s'),
    row("memory of Temporal's processes together, MiB", ({ figures }) =>
      rounded(Math.round(figures['MiB of the server'] ?? Number.NaN)),
    ),
    ['measured', days.of(result, cluster.code), ''],
  ];
  return withNotes(markdownTable(['', 'one process', 'a process per service'], rows), days);
}

/** Of all processes whose names begin with this one. */
export const cpuOf = ({ cpu }: SideResult, process: string) =>
  Object.entries(cpu)
    .filter(([name]) => name.startsWith(process))
    .reduce((sum, [, ms]) => sum + ms, 0);
