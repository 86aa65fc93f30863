import { Option, type Command } from 'commander';
import { FAILURE_TYPES } from '../../contract/failure-types.ts';
import { ORDER_STATUSES, type OrderStatus } from '../../temporal/order-workflow.ts';
import { pointInTime } from '../../terminal/arguments.ts';

/** Which orders a subcommand is about. */
export interface OrderFilterFlags {
  readonly error?: string;
  readonly since?: number;
  readonly until?: number;
  readonly query?: string;
}

export const statusOption = (): Option =>
  new Option('--status <status>', 'whose latest run stands so').choices(ORDER_STATUSES);

export const withOrderFilters = (command: Command): Command =>
  command
    .addOption(
      new Option('--error <type>', 'that failed for this reason').choices(
        Object.values(FAILURE_TYPES),
      ),
    )
    .option('--since <time>', 'since then: 2h, 3d, 2026-11-24T09:00Z', pointInTime)
    .option('--until <time>', 'before then', pointInTime)
    .option('--query <query>', "in the language of Temporal's visibility: SourcePartition = 3");

/** `--error` alone is about what has failed. */
export const orderFilterOf = (
  { error, since, until, query }: OrderFilterFlags,
  statuses: readonly OrderStatus[] | undefined,
) => ({
  statuses: statuses ?? (error === undefined ? undefined : (['failed'] as const)),
  failureType: error,
  since,
  until,
  query,
});
