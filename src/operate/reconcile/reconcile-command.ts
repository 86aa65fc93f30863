import type { Command } from 'commander';
import { counted, isOrAre } from '../../program/counted.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { OUTCOMES, type PartitionAccount } from './outcome.ts';
import type { ReconcileOptions, Reconciliation } from './reconcile.ts';
import { quoted } from '../../kafka/source-topics.ts';
import { offsetNumber, pointInTime, wholeNumber } from '../../terminal/arguments.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { createProgressLine } from '../../terminal/progress-line.ts';
import { topicTable } from '../../terminal/table.ts';

interface ReconcileFlags {
  readonly topic?: string;
  readonly partition?: number;
  readonly from?: bigint;
  readonly to?: bigint;
  readonly since?: number;
  readonly until?: number;
  readonly json?: true;
}

export function addReconcileCommand(program: Command): void {
  program
    .command('reconcile')
    .description('Determine the outcome of every message of the topics; changes nothing')
    .option(
      '--topic <name>',
      'only this topic of KAFKA_TOPIC; required with a partition or an offset if there are several',
    )
    .option('--partition <number>', 'only this partition', wholeNumber)
    .option('--from <offset>', 'first offset', offsetNumber)
    .option('--to <offset>', 'end offset (exclusive)', offsetNumber)
    .option(
      '--since <time>',
      'only messages since this time, such as 2h, 3d or 2026-11-24T09:00Z',
      pointInTime,
    )
    .option('--until <time>', 'only messages before this time', pointInTime)
    .option('--json', 'print the result as a JSON object, one per topic')
    .addHelpText(
      'after',
      `
Without a range, covers everything that the group has committed. The outcome of a message is stored,
duplicate, in progress, failed, dead-lettered or missing. The exit code is 1 if any message is missing.

Examples:
  order-ingest reconcile
  order-ingest reconcile --since 24h --json
  order-ingest reconcile --partition 0 --from 1000 --to 2000`,
    )
    .action(run);
}

async function run(flags: ReconcileFlags, command: Command): Promise<void> {
  const { reconcile } = await import('./reconcile.ts');
  const line = createProgressLine();
  const output = flags.json ? jsonOutput() : textOutput(line.clear);
  let missing = 0;
  const isInterrupted = await untilInterrupted(async (signal) => {
    await reconcile(environmentOf(command), {
      topic: flags.topic,
      request: flags,
      onMissing: output.missing,
      onProgress: (topic, done, offsets) => {
        line.show(`${topic}: ${done} of about ${counted(offsets, 'message')}`);
      },
      onTopic: (result) => {
        // An interrupted topic has not been read to its end.
        if (signal.aborted) return;
        output.topic(result);
        missing += totals(result.partitions).missing;
      },
      signal,
    });
    return signal.aborted;
  });
  line.clear();
  if (isInterrupted) throw new OperatorError('INTERRUPTED', 'Interrupted', 'run it again');
  output.end();
  if (missing > 0) process.exitCode = 1;
}

interface Output {
  readonly missing: ReconcileOptions['onMissing'];
  readonly topic: (result: Reconciliation) => void;
  readonly end: () => void;
}

/** One document per topic, written piece by piece: the list of missing messages may be long. */
function jsonOutput(): Output {
  let count = 0;
  return {
    missing(message) {
      process.stdout.write(`${count === 0 ? '{"missing":[' : ','}\n${JSON.stringify(message)}`);
      count += 1;
    },
    topic({ topic, groupId, partitions, gone }) {
      const rest = JSON.stringify(
        {
          topic,
          groupId,
          totals: totals(partitions),
          partitions: partitions.map((account) => ({
            ...account,
            gone: gone.get(account.partition) ?? 0n,
          })),
        },
        (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value),
      );
      process.stdout.write(`${count === 0 ? '{"missing":[' : '\n'}],${rest.slice(1)}\n`);
      count = 0;
    },
    end: () => undefined,
  };
}

function textOutput(clear: () => void): Output {
  const results: Reconciliation[] = [];
  return {
    missing({ partition, offset, orderId, why }, topic, topics) {
      clear();
      const order = orderId === undefined ? '' : `, order ${JSON.stringify(orderId)}`;
      const source = topics.length === 1 ? '' : `${topic}, `;
      console.log(`missing: ${source}partition ${partition}, offset ${offset}${order}: ${why}`);
    },
    topic: (result) => void results.push(result),
    end() {
      clear();
      const rows = results.flatMap(({ topic, partitions }) =>
        partitions.map((account) => [
          topic,
          String(account.partition),
          account.from.toString(),
          account.to.toString(),
          String(account.messages),
          ...OUTCOMES.map((outcome) => String(account[outcome])),
        ]),
      );
      const sum = totals(results.flatMap(({ partitions }) => partitions));
      const counts = OUTCOMES.map((outcome) => String(sum[outcome]));
      const header = ['partition', 'from', 'to', 'messages', ...OUTCOMES];
      const total = ['all', '', '', String(sum.messages), ...counts];
      console.log(
        topicTable(results.length, header, rows, total, { alignRight: header.map((_, n) => n) }),
      );
      for (const { topic, gone } of results) {
        for (const [partition, offsets] of gone) {
          console.log(
            `Partition ${partition}${results.length === 1 ? '' : ` of "${topic}"`}: ${counted(offsets, 'older offset')} ${isOrAre(offsets)} no longer in the topic and not checked.`,
          );
        }
      }
      const topics = quoted(results.map(({ topic }) => topic));
      console.log(
        sum.missing === 0
          ? `No message of ${topics} that the group "${results[0]?.groupId ?? ''}" has committed is missing.`
          : `${sum.missing} of ${counted(sum.messages, 'message')} ${isOrAre(sum.missing)} missing. To submit what is missing again, see \`order-ingest replay --help\`.`,
      );
    },
  };
}

function totals(partitions: readonly PartitionAccount[]) {
  const sum = (key: 'messages' | (typeof OUTCOMES)[number]) =>
    partitions.reduce((count, account) => count + account[key], 0);
  return {
    messages: sum('messages'),
    stored: sum('stored'),
    duplicate: sum('duplicate'),
    'in-progress': sum('in-progress'),
    failed: sum('failed'),
    'dead-lettered': sum('dead-lettered'),
    missing: sum('missing'),
  };
}
