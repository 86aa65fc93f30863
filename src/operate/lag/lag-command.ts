import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import type { PartitionLag } from '../../kafka/lag.ts';
import { positiveNumber } from '../../terminal/arguments.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { table } from '../../terminal/table.ts';

interface LagFlags {
  readonly watch?: true;
  readonly interval: number;
  readonly json?: true;
}

export function addLagCommand(program: Command): void {
  program
    .command('lag')
    .description('how far the group has got in each partition, and when it will be done')
    .option('--watch', 'again and again, until Ctrl-C')
    .option('--interval <seconds>', 'between the two looks that give the rate', positiveNumber, 10)
    .option('--json', 'a JSON object a look, on stdout alone')
    .addHelpText(
      'after',
      '\nExamples:\n  order-ingest lag\n  order-ingest lag --watch --interval 30',
    )
    .action(run);
}

async function run({ watch, interval, json }: LagFlags, command: Command): Promise<void> {
  const { withLag } = await import('./with-lag.ts');
  await withLag(environmentOf(command), ({ topic, groupId, read }) =>
    untilInterrupted(async (signal) => {
      let { partitions: before } = await read();
      do {
        await delay(interval * 1000, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        const { partitions: now, offline } = await read();
        const rows = withRates(before, now, interval);
        if (json) {
          console.log(JSON.stringify({ topic, groupId, partitions: rows.map(asJson), offline }));
        } else console.log(`${asTable(rows)}${asNote(offline)}${watch ? '\n' : ''}`);
        before = now;
      } while (watch);
    }),
  );
}

interface Row extends PartitionLag {
  /** Offsets committed a second. */
  readonly perSecond: number;
  /** Undefined while nothing moves. */
  readonly drainsInSeconds: number | undefined;
}

function withRates(
  before: readonly PartitionLag[],
  now: readonly PartitionLag[],
  seconds: number,
): readonly Row[] {
  return now.map((partition) => {
    const earlier = before.find((one) => one.partition === partition.partition)?.committed;
    const moved = Number((partition.committed ?? 0n) - (earlier ?? partition.committed ?? 0n));
    const perSecond = Math.max(0, moved) / seconds;
    return { ...partition, perSecond, drainsInSeconds: drainsIn(Number(partition.lag), perSecond) };
  });
}

const drainsIn = (lag: number, perSecond: number): number | undefined => {
  if (lag === 0) return 0;
  return perSecond > 0 ? lag / perSecond : undefined;
};

function asTable(rows: readonly Row[]): string {
  const lag = rows.reduce((sum, row) => sum + row.lag, 0n);
  const perSecond = rows.reduce((sum, row) => sum + row.perSecond, 0);
  const cells = rows.map((row) => [
    String(row.partition),
    row.committed?.toString() ?? 'none',
    row.end.toString(),
    row.lag.toString(),
    row.perSecond.toFixed(1),
    span(row.drainsInSeconds),
  ]);
  const all = ['all', '', '', lag.toString(), perSecond.toFixed(1), span(slowest(rows))];
  return table(
    ['partition', 'committed', 'end', 'lag', 'per second', 'drains in'],
    [...cells, all],
    { alignRight: [0, 1, 2, 3, 4, 5] },
  );
}

/** The rows that are missing, if any. */
const asNote = (offline: readonly number[]): string =>
  offline.length === 0
    ? ''
    : `\noffline, and not counted: partition ${offline.join(', ')}; \`order-ingest doctor\` says what to do`;

/** All are done when the last one is. */
const slowest = (rows: readonly Row[]): number | undefined =>
  rows.reduce<number | undefined>(
    (latest, { drainsInSeconds }) =>
      latest === undefined || drainsInSeconds === undefined
        ? undefined
        : Math.max(latest, drainsInSeconds),
    0,
  );

function span(seconds: number | undefined): string {
  if (seconds === undefined) return 'does not move';
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3600)} h`;
}

const asJson = ({ committed, end, lag, ...rest }: Row) => ({
  ...rest,
  committed: committed?.toString() ?? null,
  end: end.toString(),
  lag: lag.toString(),
});
