import { counted } from '../../program/counted.ts';
import type { Command } from 'commander';
import type { OrderStatus } from '../../temporal/order-status.ts';
import { listOrders } from '../../temporal/order-visibility.ts';
import {
  describeRun,
  isDelayed,
  type OrderNamespace,
  type OrderRun,
  type PendingActivity,
} from '../../temporal/order-workflow.ts';
import { environmentOf } from '../../terminal/environment.ts';
import { table } from '../../terminal/table.ts';
import { orderFilterOf, type OrderFilterFlags } from './filter-options.ts';
import { withOrders } from './open-orders.ts';
import { pendingAsJson, runAsJson } from './order-text.ts';

interface ListFlags extends OrderFilterFlags {
  readonly status?: OrderStatus;
  readonly limit: number;
  readonly json?: true;
}

/** `orders list`: prints orders by their latest run and, if it is running, what it waits for. */
export async function list(flags: ListFlags, command: Command): Promise<void> {
  const filter = orderFilterOf(flags, flags.status && [flags.status]);
  const rows: string[][] = [];
  let count = 0;
  const hasMore = await withOrders(environmentOf(command), async (orders) => {
    const runs = listOrders(orders, filter, flags.limit + 1);
    for await (const { run, pending } of withPending(orders, runs)) {
      if (count === flags.limit) return true;
      count += 1;
      if (flags.json) {
        console.log(
          JSON.stringify({ ...runAsJson(run), pending: pending && pendingAsJson(pending) }),
        );
      } else rows.push(rowOf(run, pending));
    }
    return false;
  });
  if (!flags.json) console.log(count > 0 ? table(HEADER, rows) : 'No orders found.');
  if (hasMore)
    console.error(`More than ${counted(flags.limit, 'order')} found; raise --limit to list them.`);
}

const CALLS_AT_ONCE = 64;

interface ListedOrder {
  readonly run: OrderRun;
  /** Undefined unless the run is waiting for an activity. */
  readonly pending: PendingActivity | undefined;
}

/** The same runs in the same order, the running ones with their first pending activity. */
async function* withPending(
  orders: OrderNamespace,
  runs: AsyncIterable<OrderRun>,
): AsyncGenerator<ListedOrder, void, undefined> {
  const describe = async (run: OrderRun): Promise<ListedOrder> => {
    if (run.status !== 'running') return { run, pending: undefined };
    const workflow = await describeRun(orders, run.workflowId, { runId: run.runId });
    return { run, pending: workflow?.pending[0] };
  };
  let chunk: OrderRun[] = [];
  for await (const run of runs) {
    chunk.push(run);
    if (chunk.length < CALLS_AT_ONCE) continue;
    yield* await Promise.all(chunk.map(describe));
    chunk = [];
  }
  yield* await Promise.all(chunk.map(describe));
}

const HEADER = ['order', 'status', 'started', 'source', 'attempt', 'failure'];

/** The longest failure that fits on a line; `--json` prints all of it. */
const MAX_FAILURE_CHARACTERS = 100;

function rowOf(run: OrderRun, pending: PendingActivity | undefined): string[] {
  const failure = pending
    ? `${pending.activity}: ${pending.lastFailure ?? 'in progress'}`
    : isDelayed(run)
      ? `delayed until ${new Date(run.delayedUntil ?? 0).toISOString()}`
      : [run.failureType, run.failure].filter(Boolean).join(': ');
  return [
    run.orderId,
    run.status,
    new Date(run.startedAt).toISOString(),
    `${run.source.topic ?? '?'}/${run.source.partition ?? '?'}/${run.source.offset ?? '?'}`,
    pending ? String(pending.attempt) : '',
    failure.length > MAX_FAILURE_CHARACTERS
      ? `${failure.slice(0, MAX_FAILURE_CHARACTERS)}…`
      : failure,
  ];
}
