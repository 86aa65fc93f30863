import { Option, type Command } from 'commander';
import { DEAD_LETTER_REASONS } from '../../contract/dead-letter.ts';
import { pointInTime, wholeNumber } from '../../terminal/arguments.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { OperatorError } from '../../program/operator-error.ts';
import type { DeadLetterFilter } from './dead-letter-topic.ts';
import type { DeadLetters } from './open-dead-letters.ts';

/** The option that names the source topic. */
export interface TopicFlags {
  readonly topic?: string;
}

/** The options that select dead letters. */
export interface FilterFlags extends TopicFlags {
  readonly reason?: string;
  readonly partition?: number;
  readonly since?: number;
  readonly until?: number;
}

export const withFilters = (command: Command): Command =>
  command
    .option('--topic <name>', 'only those from this topic of KAFKA_TOPIC')
    .addOption(
      new Option('--reason <reason>', 'only those with this reason').choices(DEAD_LETTER_REASONS),
    )
    .option(
      '--partition <number>',
      'only those from this partition of the source topic',
      wholeNumber,
    )
    .option(
      '--since <time>',
      'only those written since then: 2h, 3d, 2026-11-24T09:00Z',
      pointInTime,
    )
    .option('--until <time>', 'only those written before then', pointInTime);

export const filterOf = ({ reason, partition, since, until }: FilterFlags): DeadLetterFilter => ({
  reason,
  sourcePartition: partition,
  since,
  until,
});

const DEAD_LETTER_ID = /^\d{1,9}:\d{1,19}$/;

export function deadLetterId(text: string): string {
  if (DEAD_LETTER_ID.test(text)) return text;
  throw new OperatorError(
    'ARGUMENT_INVALID',
    `"${text}" is not the ID of a dead letter`,
    'give an ID as `order-ingest dead-letters list` shows it, such as 0:17',
  );
}

export const deadLetterIds = (
  text: string,
  previous: readonly string[] | undefined,
): readonly string[] => [...(previous ?? []), deadLetterId(text)];

/** Loads the Kafka client only when a command runs, not when the command line is parsed. */
export async function deadLettersFor(
  command: Command,
  { topic }: TopicFlags,
): Promise<DeadLetters> {
  const { openDeadLetters } = await import('./open-dead-letters.ts');
  return openDeadLetters(environmentOf(command), topic);
}
