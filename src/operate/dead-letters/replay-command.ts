import type { Command } from 'commander';
import type { ReplayResult } from './replay-dead-letters.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { createProgressLine } from '../../terminal/progress-line.ts';
import { filterOf, type FilterFlags, open } from './command-options.ts';

export async function replay(
  ids: readonly string[] | undefined,
  flags: FilterFlags & {
    readonly dryRun?: true;
    readonly limit?: number;
    readonly batchSize: number;
    readonly maxAttempts: number;
    readonly again?: true;
    readonly json?: true;
  },
  command: Command,
): Promise<void> {
  const deadLetters = await open(command);
  const line = createProgressLine();
  const dryRun = flags.dryRun ?? false;
  let sent = 0;
  const { result, isInterrupted } = await untilInterrupted(async (signal) => {
    const done = await deadLetters.replay({
      filter: { ...filterOf(flags), ids: ids?.length ? ids : undefined },
      batchSize: flags.batchSize,
      limit: flags.limit ?? Number.POSITIVE_INFINITY,
      maxAttempts: flags.maxAttempts,
      again: flags.again ?? false,
      dryRun,
      signal,
      onProgress: ({ replayed }) => {
        sent = replayed;
        line.show(`${replayed} replayed`);
      },
    });
    return { result: done, isInterrupted: signal.aborted };
  }).catch((error: unknown) => {
    line.clear();
    throw error instanceof OperatorError && !dryRun
      ? new OperatorError(error.code, `${error.message} (${sent} sent before)`, error.fix, {
          cause: error,
        })
      : error;
  });
  line.clear();
  if (flags.json) console.log(JSON.stringify({ ...result, dryRun }));
  else console.log(summary(result, dryRun, flags.maxAttempts));
  if (isInterrupted) {
    throw new OperatorError(
      'INTERRUPTED',
      'Interrupted',
      'start it again: it continues where it stopped',
    );
  }
  if (result.notSent.length > 0) {
    throw new OperatorError(
      'DEAD_LETTER_INCOMPLETE',
      `${result.notSent.length} dead letters cannot be sent`,
      NOT_SENT,
    );
  }
  if (result.notFound.length > 0) {
    throw new OperatorError(
      'DEAD_LETTER_NOT_FOUND',
      `No dead letter is ${result.notFound.join(' or ')}, or the other filters leave it out`,
      'see `order-ingest dead-letters list` for their IDs',
    );
  }
}

const NOT_SENT =
  "raise the topic's max.message.bytes where they are too large and start it again; where the message is only at its source, have its producer send it again";

function summary(result: ReplayResult, dryRun: boolean, maxAttempts: number): string {
  const lines = [
    `${result.replayed} dead letters ${dryRun ? 'would be sent' : 'sent to the source topic'} again.`,
  ];
  if (result.replayedBefore > 0) {
    lines.push(`${result.replayedBefore} left alone: replayed before (--again sends them too).`);
  }
  if (result.tooManyAttempts > 0) {
    lines.push(
      `${result.tooManyAttempts} left alone: dead letters ${maxAttempts} times or more (--max-attempts).`,
    );
  }
  if (result.otherTopic > 0) lines.push(`${result.otherTopic} left alone: from another topic.`);
  for (const { letter, reason } of result.notSent) lines.push(`${letter} not sent: ${reason}.`);
  return lines.join('\n');
}
