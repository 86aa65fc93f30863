import type { Command } from 'commander';
import type { OrderRun, OrderStatus } from '../../temporal/order-workflow.ts';
import type { PendingAttempt } from './pending-attempt.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { table } from '../../terminal/table.ts';
import { pendingAsJson, runAsJson } from './order-text.ts';
import { orderFilterOf, type OrderFilterFlags } from './filter-options.ts';

export async function list(
  flags: OrderFilterFlags & {
    readonly status?: OrderStatus;
    readonly limit: number;
    readonly json?: true;
  },
  command: Command,
): Promise<void> {
  const [{ withOrders }, { listOrders }, { withPending }] = await Promise.all([
    import('./open-orders.ts'),
    import('../../temporal/order-visibility.ts'),
    import('./pending-attempt.ts'),
  ]);
  const filter = orderFilterOf(flags, flags.status && [flags.status]);
  const rows: string[][] = [];
  let count = 0;
  const hasMore = await withOrders(environmentOf(command), async (orders) => {
    for await (const { run, pending } of withPending(
      orders,
      listOrders(orders, filter, flags.limit + 1),
    )) {
      if (count === flags.limit) return true;
      count += 1;
      if (flags.json)
        console.log(
          JSON.stringify({ ...runAsJson(run), pending: pending && pendingAsJson(pending) }),
        );
      else rows.push(row(run, pending));
    }
    return false;
  });
  if (!flags.json) console.log(count > 0 ? table(HEADER, rows) : 'No such order.');
  if (hasMore) console.error(`There are more: --limit shows more than ${flags.limit}.`);
}

const HEADER = ['order', 'status', 'started', 'source', 'attempt', 'failure'];

function row(run: OrderRun, pending: PendingAttempt | undefined): string[] {
  const failure = pending
    ? `${pending.activity}: ${pending.lastFailure ?? 'under way'}`
    : [run.failureType, run.failure].filter(Boolean).join(': ');
  return [
    run.orderId,
    run.status,
    new Date(run.startedAt).toISOString(),
    `${run.source.topic ?? '?'}/${run.source.partition ?? '?'}/${run.source.offset ?? '?'}`,
    pending ? String(pending.attempt) : '',
    failure.length > MAX_FAILURE ? `${failure.slice(0, MAX_FAILURE)}…` : failure,
  ];
}

/** What a line can hold; `--json` has all of it. */
const MAX_FAILURE = 100;
