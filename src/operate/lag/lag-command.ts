import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { positiveNumber } from '../../terminal/arguments.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { topicTable } from '../../terminal/table.ts';
import { allDrainedIn, lagRates, type PartitionRate } from './lag-rates.ts';

interface LagFlags {
  readonly topic?: string;
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
    .option('--topic <name>', 'only this topic of KAFKA_TOPIC')
    .option('--watch', 'repeat until Ctrl-C')
    .option(
      '--interval <seconds>',
      'seconds between the two readings that give the rate',
      positiveNumber,
      10,
    )
    .option('--json', 'print newline-delimited JSON, one line per reading and topic')
    .addHelpText(
      'after',
      '\nExamples:\n  order-ingest lag\n  order-ingest lag --watch --interval 30',
    )
    .action(run);
}

async function run({ topic, watch, interval, json }: LagFlags, command: Command): Promise<void> {
  const { withGroupLag } = await import('./group-lag.ts');
  await withGroupLag(environmentOf(command), topic, (lag) =>
    untilInterrupted(async (signal) => {
      const { groupId, missing, readDuringFailover: read } = lag;
      for (const name of missing) console.error(`"${name}" does not exist`);
      let before = await read();
      let readAt = performance.now();
      do {
        await delay(interval * 1000, undefined, { signal }).catch(() => undefined);
        if (signal.aborted) return;
        const now = await read();
        // A reading takes longer than usual while a broker fails.
        const seconds = (performance.now() - readAt) / 1000;
        readAt = performance.now();
        const rates = [...now].map(([name, { partitions, offline }]) => ({
          topic: name,
          partitions: lagRates(before.get(name)?.partitions ?? [], partitions, seconds),
          offline,
        }));
        if (json) {
          for (const { topic: name, partitions, offline } of rates) {
            const line = { topic: name, groupId, partitions: partitions.map(asJson), offline };
            console.log(JSON.stringify(line));
          }
        } else console.log(`${asTable(rates)}${asNotes(rates)}${watch ? '\n' : ''}`);
        before = now;
      } while (watch);
    }),
  );
}

interface TopicRates {
  readonly topic: string;
  readonly partitions: readonly PartitionRate[];
  readonly offline: readonly number[];
}

function asTable(topics: readonly TopicRates[]): string {
  const all = topics.flatMap(({ partitions }) => partitions);
  const lag = all.reduce((sum, rate) => sum + rate.lag, 0n);
  const perSecond = all.reduce((sum, rate) => sum + rate.perSecond, 0);
  const rows = topics.flatMap(({ topic, partitions }) =>
    partitions.map((rate) => [
      topic,
      String(rate.partition),
      rate.committed?.toString() ?? 'none',
      rate.end.toString(),
      rate.lag.toString(),
      rate.perSecond.toFixed(1),
      span(rate.drainsInSeconds),
    ]),
  );
  return topicTable(
    topics.length,
    ['partition', 'committed', 'end', 'lag', 'per second', 'drains in'],
    rows,
    ['all', '', '', lag.toString(), perSecond.toFixed(1), span(allDrainedIn(all))],
    { alignRight: [0, 1, 2, 3, 4, 5] },
  );
}

/** Names the partitions that have no row. */
const asNotes = (topics: readonly TopicRates[]): string =>
  topics
    .filter(({ offline }) => offline.length > 0)
    .map(
      ({ topic, offline }) =>
        `\noffline and not included: partition ${offline.join(', ')}${topics.length === 1 ? '' : ` of "${topic}"`}; for the fix run \`order-ingest doctor\``,
    )
    .join('');

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
