import { Option, type Command } from 'commander';
import { FAILURE_TYPES } from '../../contract/failure-types.ts';
import { QUERY_NAMES, type OrderStatus } from '../../temporal/order-status.ts';
import type { OrderFilter } from '../../temporal/order-visibility.ts';
import { pointInTime } from '../../terminal/arguments.ts';

/** The filters that `orders list` and `orders rerun` share. */
export interface OrderFilterFlags {
  readonly error?: string;
  readonly since?: number;
  readonly until?: number;
  readonly query?: string;
}

export const statusOption = (): Option =>
  new Option('--status <status>', 'filter by the status of the latest run').choices(
    Object.keys(QUERY_NAMES),
  );

export const withOrderFilters = (command: Command): Command =>
  command
    .addOption(
      new Option('--error <type>', 'filter by the type of the failure').choices(
        Object.values(FAILURE_TYPES),
      ),
    )
    .option('--since <time>', 'at or after this time: 2h, 3d, 2026-11-24T09:00Z', pointInTime)
    .option('--until <time>', 'before this time', pointInTime)
    .option('--query <query>', "filter by Temporal's query language, such as SourcePartition = 3");

/** `--error` alone selects failed orders. */
export const orderFilterOf = (
  { error, since, until, query }: OrderFilterFlags,
  statuses: readonly OrderStatus[] | undefined,
): OrderFilter => ({
  statuses: statuses ?? (error === undefined ? undefined : ['failed']),
  failureType: error,
  since,
  until,
  query,
});
