import type { Command } from 'commander';
import { OperatorError } from '../../program/operator-error.ts';
import { OUTCOMES, type MissingMessage, type PartitionAccount } from './outcome.ts';
import type { Reconciliation } from './reconcile.ts';
import { offsetNumber, pointInTime, wholeNumber } from '../../terminal/arguments.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { createProgressLine } from '../../terminal/progress-line.ts';
import { table } from '../../terminal/table.ts';

interface ReconcileFlags {
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
    .description('Determine the outcome of every message of the topic; changes nothing')
    .option('--partition <number>', 'only this partition', wholeNumber)
    .option('--from <offset>', 'first offset', offsetNumber)
    .option('--to <offset>', 'end offset (exclusive)', offsetNumber)
    .option(
      '--since <time>',
      'only messages since this time, such as 2h, 3d or 2026-11-24T09:00Z',
      pointInTime,
    )
    .option('--until <time>', 'only messages before this time', pointInTime)
    .option('--json', 'print the result as a JSON object')
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
  const { result, isInterrupted } = await untilInterrupted(async (signal) => {
    const reconciliation = await reconcile(environmentOf(command), {
      request: flags,
      onMissing: output.missing,
      onProgress: (done, offsets) => {
        line.show(`${done} of about ${offsets} messages`);
      },
      signal,
    });
    return { result: reconciliation, isInterrupted: signal.aborted };
  });
  line.clear();
  if (isInterrupted) throw new OperatorError('INTERRUPTED', 'Interrupted', 'run it again');
  output.end(result);
  if (totals(result.partitions).missing > 0) process.exitCode = 1;
}

interface Output {
  readonly missing: (message: MissingMessage) => void;
  readonly end: (result: Reconciliation) => void;
}

/** One document, written piece by piece: the list of missing messages may be long. */
function jsonOutput(): Output {
  let count = 0;
  return {
    missing(message) {
      process.stdout.write(`${count === 0 ? '{"missing":[' : ','}\n${JSON.stringify(message)}`);
      count += 1;
    },
    end({ topic, groupId, partitions, gone }) {
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
    },
  };
}

function textOutput(clear: () => void): Output {
  return {
    missing({ partition, offset, orderId, why }) {
      clear();
      const order = orderId === undefined ? '' : `, order ${JSON.stringify(orderId)}`;
      console.log(`missing: partition ${partition}, offset ${offset}${order}: ${why}`);
    },
    end({ topic, groupId, partitions, gone }) {
      const sum = totals(partitions);
      const rows = partitions.map((account) => [
        String(account.partition),
        account.from.toString(),
        account.to.toString(),
        String(account.messages),
        ...OUTCOMES.map((outcome) => String(account[outcome])),
      ]);
      const total = ['all', '', '', String(sum.messages), ...OUTCOMES.map((o) => String(sum[o]))];
      const header = ['partition', 'from', 'to', 'messages', ...OUTCOMES];
      console.log(table(header, [...rows, total], { alignRight: header.map((_, n) => n) }));
      for (const [partition, offsets] of gone) {
        console.log(
          `Partition ${partition}: ${offsets} older offsets are no longer in the topic and were not checked.`,
        );
      }
      console.log(
        sum.missing === 0
          ? `No message of "${topic}" that the group "${groupId}" has committed is missing.`
          : `${sum.missing} of ${sum.messages} messages are missing. To submit them again, see \`order-ingest replay --help\`.`,
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
