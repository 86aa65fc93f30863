import { Option, type Command } from 'commander';
import { DEAD_LETTER_REASONS } from '../../contract/dead-letter.ts';
import { pointInTime, wholeNumber } from '../../terminal/arguments.ts';
import { OperatorError } from '../../program/operator-error.ts';
import type { DeadLetters } from './open-dead-letters.ts';
import { environmentOf } from '../../terminal/environment.ts';

/** Which dead letters a subcommand is about. */
export interface FilterFlags {
  readonly reason?: string;
  readonly partition?: number;
  readonly since?: number;
  readonly until?: number;
}

export const withFilters = (command: Command): Command =>
  command
    .addOption(new Option('--reason <reason>', 'with this reason').choices(DEAD_LETTER_REASONS))
    .option('--partition <number>', 'that came from this partition of the source', wholeNumber)
    .option('--since <time>', 'written since then: 2h, 3d, 2026-11-24T09:00Z', pointInTime)
    .option('--until <time>', 'written before then', pointInTime);

export const filterOf = ({ reason, partition, since, until }: FilterFlags) => ({
  reason,
  sourcePartition: partition,
  since,
  until,
});

const LETTER_ID = /^\d{1,9}:\d{1,19}$/;

export function letterId(text: string): string {
  if (LETTER_ID.test(text)) return text;
  throw new OperatorError(
    'ARGUMENT_INVALID',
    `"${text}" is no dead letter's ID`,
    'give its partition and offset as `order-ingest dead-letters list` shows them, such as 0:17',
  );
}

export const letterIds = (
  text: string,
  before: readonly string[] | undefined,
): readonly string[] => [...(before ?? []), letterId(text)];

export async function open(command: Command): Promise<DeadLetters> {
  const { openDeadLetters } = await import('./open-dead-letters.ts');
  return openDeadLetters(environmentOf(command));
}
