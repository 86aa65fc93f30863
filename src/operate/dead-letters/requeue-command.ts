import type { Command } from 'commander';
import type { Priority } from '../../contract/priority.ts';
import { counted } from '../../program/counted.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { createProgressLine } from '../../terminal/progress-line.ts';
import { deadLettersFor, filterOf, type FilterFlags } from './command-options.ts';
import type { RequeueResult } from './requeue-dead-letters.ts';

export async function requeue(
  ids: readonly string[] | undefined,
  flags: FilterFlags & {
    readonly dryRun?: true;
    readonly limit?: number;
    readonly batchSize: number;
    readonly rate?: number;
    readonly maxAttempts: number;
    readonly again?: true;
    readonly priority?: Priority;
    readonly json?: true;
  },
  command: Command,
): Promise<void> {
  const deadLetters = await deadLettersFor(command, flags);
  const line = createProgressLine();
  const dryRun = flags.dryRun ?? false;
  let sent = 0;
  const { result, isInterrupted } = await untilInterrupted(async (signal) => {
    const done = await deadLetters.requeue({
      filter: { ...filterOf(flags), ids: ids?.length ? ids : undefined },
      batchSize: flags.batchSize,
      perSecond: flags.rate ?? Number.POSITIVE_INFINITY,
      limit: flags.limit ?? Number.POSITIVE_INFINITY,
      maxAttempts: flags.maxAttempts,
      again: flags.again ?? false,
      priority: flags.priority,
      dryRun,
      signal,
      onProgress(requeued) {
        sent = requeued;
        line.show(`${requeued} requeued`);
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
  if (flags.json) console.log(JSON.stringify(resultAsJson(result, dryRun)));
  else console.log(resultAsText(result, dryRun, flags.maxAttempts));
  if (isInterrupted) {
    throw new OperatorError(
      'INTERRUPTED',
      'Interrupted',
      'run the command again: it continues where it stopped',
    );
  }
  if (result.notSent.length > 0) {
    throw new OperatorError(
      'DEAD_LETTER_INCOMPLETE',
      `${counted(result.notSent.length, 'dead letter')} cannot be sent`,
      "for those that are too large, raise the topic's max.message.bytes and run the command again; for those that lack a part of their message, have the producer send the original again",
    );
  }
  if (result.notFound.length > 0) {
    throw new OperatorError(
      'DEAD_LETTER_NOT_FOUND',
      `There is no dead letter ${result.notFound.join(' or ')}, or the other filters exclude it`,
      'list the IDs with `order-ingest dead-letters list`',
    );
  }
}

/** The keys are stable; those of a requeue are from the time when it was called a replay. */
const resultAsJson = (result: RequeueResult, dryRun: boolean) => ({
  replayed: result.requeued,
  replayedBefore: result.requeuedBefore,
  tooManyAttempts: result.tooManyAttempts,
  otherTopic: result.otherTopic,
  notSent: result.notSent.map(({ id, reason, source }) => ({ letter: id, reason, source })),
  notFound: result.notFound,
  dryRun,
});

function resultAsText(result: RequeueResult, dryRun: boolean, maxAttempts: number): string {
  const lines = [
    `${counted(result.requeued, 'dead letter')} ${dryRun ? 'would be requeued' : 'requeued'}.`,
  ];
  if (result.requeuedBefore > 0) {
    lines.push(`${result.requeuedBefore} skipped: requeued before (--again includes them).`);
  }
  if (result.tooManyAttempts > 0) {
    lines.push(
      `${result.tooManyAttempts} skipped: dead-lettered ${maxAttempts} times or more (--max-attempts).`,
    );
  }
  if (result.otherTopic > 0) lines.push(`${result.otherTopic} skipped: from another topic.`);
  for (const { id, reason } of result.notSent) lines.push(`${id} not sent: ${reason}.`);
  return lines.join('\n');
}
