import { Option, type Command } from 'commander';
import { DEAD_LETTER_REASONS } from '../../contract/dead-letter.ts';
import { pointInTime, wholeNumber } from '../arguments.ts';

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
