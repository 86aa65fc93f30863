import type { Command } from 'commander';
import { quoted } from '../../kafka/source-topics.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { table } from '../../terminal/table.ts';
import { deadLettersFor, filterOf, type FilterFlags } from './command-options.ts';
import { deadLetterAsJson } from './dead-letter-text.ts';
import type { DeadLetter } from './dead-letter-topic.ts';

export async function list(
  flags: FilterFlags & { readonly limit?: number; readonly json?: true },
  command: Command,
): Promise<void> {
  const deadLetters = await deadLettersFor(command, flags);
  const rows: string[][] = [];
  let count = 0;
  await untilInterrupted(async (interrupted) => {
    const limitReached = new AbortController();
    await deadLetters.list(
      filterOf(flags),
      (deadLetter, isRequeued) => {
        if (flags.limit !== undefined && count >= flags.limit) return;
        count += 1;
        if (flags.json) console.log(JSON.stringify(deadLetterAsJson(deadLetter, isRequeued)));
        else rows.push(tableRow(deadLetter, isRequeued));
        if (count === flags.limit) limitReached.abort();
      },
      AbortSignal.any([interrupted, limitReached.signal]),
    );
  });
  if (flags.json) return;
  if (rows.length > 0) console.log(table(HEADER, rows));
  else {
    const matching = Object.keys(flags).length > 0 ? 'matching ' : '';
    console.log(`No ${matching}dead letters in ${quoted(deadLetters.topics)}.`);
  }
}

const HEADER = ['id', 'written', 'reason', 'source', 'attempt', 'requeued', 'error'];

function tableRow({ id, writtenAt, metadata }: DeadLetter, isRequeued: boolean): string[] {
  return [
    id,
    new Date(writtenAt).toISOString(),
    metadata.reason,
    `${metadata.sourceTopic}/${metadata.sourcePartition}/${metadata.sourceOffset}`,
    String(metadata.attempt),
    isRequeued ? 'yes' : 'no',
    metadata.error,
  ];
}
