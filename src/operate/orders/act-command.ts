import { hostname } from 'node:os';
import type { Command } from 'commander';
import type { ActOutcome } from './cancel-or-retry.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { environmentOf } from '../../terminal/environment.ts';

const MEANINGS = {
  unknown: 'Temporal does not know this order, or no longer',
  'not-running': 'it does not run any more',
  'nothing-pending': 'it waits for no next attempt',
  'not-supported': 'this Temporal server cannot do it: the next attempt comes within a minute',
} as const satisfies Readonly<Record<Exclude<ActOutcome, 'done'>, string>>;

interface ActFlags {
  readonly json?: true;
}

export const cancel = (ids: readonly string[], flags: ActFlags, command: Command) =>
  actOnEach('cancel', ids, flags, command);

export const retryNow = (ids: readonly string[], flags: ActFlags, command: Command) =>
  actOnEach('retry-now', ids, flags, command);

async function actOnEach(
  action: 'cancel' | 'retry-now',
  ids: readonly string[],
  { json }: ActFlags,
  command: Command,
): Promise<void> {
  const { withOrders } = await import('./open-orders.ts');
  const { cancelOrder, retryOrderNow } = await import('./cancel-or-retry.ts');
  const act = action === 'cancel' ? cancelOrder : retryOrderNow;
  const identity = `order-ingest-${action}@${hostname()}`;
  const undone: string[] = [];
  await withOrders(environmentOf(command), async (orders) => {
    for (const id of ids) {
      const outcome = await act(orders, id, identity);
      if (json) console.log(JSON.stringify({ orderId: id, outcome }));
      else if (outcome === 'done') console.log(`${id}: ${DONE[action]}`);
      if (outcome !== 'done') undone.push(`${id}: ${MEANINGS[outcome]}`);
    }
  });
  if (undone.length > 0) {
    throw new OperatorError(
      'ORDERS_UNCHANGED',
      `Not done for ${undone.length} of ${ids.length}: ${undone.join('; ')}`,
      '`order-ingest orders show ID` says how an order stands',
    );
  }
}

const DONE = {
  cancel: 'asked to end as cancelled; `orders rerun` starts it again',
  'retry-now': 'tries at once',
} as const;
