import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { positiveNumber } from '../../terminal/arguments.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { table } from '../../terminal/table.ts';
import { allDrainedIn, lagRates, type PartitionRate } from './lag-rates.ts';

interface LagFlags {
  readonly watch?: true;
  readonly interval: number;
  readonly json?: true;
}

export function addLagCommand(program: Command): void {
  program
    .command('lag')
    .description(
      'Show the lag of the consumer group per partition, and the estimated time to catch up',
    )
    .option('--watch', 'repeat until Ctrl-C')
    .option(
      '--interval <seconds>',
      'seconds between the two readings that give the rate',
      positiveNumber,
      10,
    )
    .option('--json', 'print newline-delimited JSON, one line per reading')
    .addHelpText(
      'after',
      '\nExamples:\n  order-ingest lag\n  order-ingest lag --watch --interval 30',
    )
    .action(run);
}

async function run({ watch, interval, json }: LagFlags, command: Command): Promise<void> {
  const { withGroupLag } = await import('./group-lag.ts');
  await withGroupLag(environmentOf(command), ({ topic, groupId, readDuringFailover: read }) =>
    untilInterrupted(async (signal) => {
      let { partitions: before } = await read();
      let readAt = performance.now();
      do {
        await delay(interval * 1000, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        const { partitions: now, offline } = await read();
        // A reading takes longer than usual while a broker fails.
        const rates = lagRates(before, now, (performance.now() - readAt) / 1000);
        readAt = performance.now();
        if (json) {
          console.log(JSON.stringify({ topic, groupId, partitions: rates.map(asJson), offline }));
        } else console.log(`${asTable(rates)}${asNote(offline)}${watch ? '\n' : ''}`);
        before = now;
      } while (watch);
    }),
  );
}

function asTable(rates: readonly PartitionRate[]): string {
  const lag = rates.reduce((sum, rate) => sum + rate.lag, 0n);
  const perSecond = rates.reduce((sum, rate) => sum + rate.perSecond, 0);
  const rows = rates.map((rate) => [
    String(rate.partition),
    rate.committed?.toString() ?? 'none',
    rate.end.toString(),
    rate.lag.toString(),
    rate.perSecond.toFixed(1),
    span(rate.drainsInSeconds),
  ]);
  const all = ['all', '', '', lag.toString(), perSecond.toFixed(1), span(allDrainedIn(rates))];
  return table(
    ['partition', 'committed', 'end', 'lag', 'per second', 'drains in'],
    [...rows, all],
    { alignRight: [0, 1, 2, 3, 4, 5] },
  );
}

/** Names the partitions that have no row. */
const asNote = (offline: readonly number[]): string =>
  offline.length === 0
    ? ''
    : `\noffline and not included: partition ${offline.join(', ')}; for the fix run \`order-ingest doctor\``;

function span(seconds: number | undefined): string {
  if (seconds === undefined) return 'not moving';
  if (seconds < 90) return `${Math.ceil(seconds)} s`;
  return seconds < 5400 ? `${Math.ceil(seconds / 60)} min` : `${Math.ceil(seconds / 3600)} h`;
}

const asJson = ({ committed, end, lag, ...rest }: PartitionRate) => ({
  ...rest,
  committed: committed?.toString() ?? null,
  end: end.toString(),
  lag: lag.toString(),
});
