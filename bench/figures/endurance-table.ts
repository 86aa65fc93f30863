import { tenthsOf } from '../endurance/describe.ts';
import { enduranceCode, readEndurance } from '../endurance/read-result.ts';
import { createDays, withNotes } from './ages.ts';
import { markdownTable } from './markdown-table.ts';
import { rounded, tenths } from './numbers.ts';

/** Rate, CPU time, memory and what Temporal stores in each tenth of the orders that were ingested in one go. */
export function enduranceTable(folder: string): string {
  const result = readEndurance(folder);
  if (!result) return 'Not measured with this version yet.';
  const days = createDays(folder);
  const measured = days.of(result, enduranceCode(result.inOneProcess));
  const whole = (figure: number) => Math.round(figure).toLocaleString('en');
  const parts = tenthsOf(result);
  const processes = Object.keys(parts[0]?.mebibytes ?? {});
  const rows = parts.map(({ stored, perSecond, cpu, mebibytes, workflows, temporalMebibytes }) => [
    whole(stored),
    rounded(perSecond),
    `${tenths(cpu)} ms`,
    ...processes.map((name) => whole(mebibytes[name] ?? Number.NaN)),
    whole(workflows),
    whole(temporalMebibytes),
  ]);
  const columns = [
    'orders stored',
    'orders/s',
    'CPU per order',
    ...processes.map((name) => `${name}, MiB`),
    'workflows in Temporal',
    "Temporal's databases, MiB",
  ];
  const { orders, retentionMs, samples } = result;
  const seconds = samples.at(-1)?.seconds ?? Number.NaN;
  const summary = [
    `${whole(orders)} orders in ${whole(seconds / 60)} minutes, ${rounded(orders / seconds)} per second, by ${result.inOneProcess ? '`order-ingest run`' : 'a bridge and a worker'}.`,
    `Temporal kept a completed workflow for ${whole(retentionMs / 60_000)} minutes; its deletion was due within one more minute (\`history.retentionTimerJitterDuration\`, by default half an hour).`,
    `Measured on ${measured}.`,
  ].join(' ');
  return withNotes(`${summary}\n\n${markdownTable(columns, rows)}`, days);
}
