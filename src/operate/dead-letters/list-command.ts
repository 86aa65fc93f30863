import type { Command } from 'commander';
import type { StoredDeadLetter } from './stored-dead-letter.ts';
import { untilInterrupted } from '../../terminal/interrupt.ts';
import { table } from '../../terminal/table.ts';
import { filterOf, type FilterFlags, open } from './command-options.ts';
import { deadLetterAsJson } from './dead-letter-text.ts';

export async function list(
  flags: FilterFlags & { readonly limit?: number; readonly json?: true },
  command: Command,
): Promise<void> {
  const deadLetters = await open(command);
  const rows: string[][] = [];
  let count = 0;
  await untilInterrupted(async (interrupted) => {
    const enough = new AbortController();
    await deadLetters.list(
      filterOf(flags),
      (letter, isReplayed) => {
        if (flags.limit !== undefined && count >= flags.limit) return;
        count += 1;
        if (flags.json) console.log(JSON.stringify(deadLetterAsJson(letter, isReplayed)));
        else rows.push(listRow(letter, isReplayed));
        if (count === flags.limit) enough.abort();
      },
      AbortSignal.any([interrupted, enough.signal]),
    );
  });
  if (flags.json) return;
  if (rows.length > 0) console.log(table(LIST_HEADER, rows));
  else
    console.log(
      `No dead letter${Object.keys(flags).length > 0 ? ' of that kind' : ''} in "${deadLetters.topic}".`,
    );
}

const LIST_HEADER = ['letter', 'written', 'reason', 'source', 'attempt', 'replayed', 'error'];

function listRow({ id, writtenAt, account }: StoredDeadLetter, isReplayed: boolean): string[] {
  return [
    id,
    new Date(writtenAt).toISOString(),
    account.reason,
    `${account.sourceTopic}/${account.sourcePartition}/${account.sourceOffset}`,
    String(account.attempt),
    isReplayed ? 'yes' : 'no',
    account.error,
  ];
}
