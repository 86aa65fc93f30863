import { setTimeout as delay } from 'node:timers/promises';
import pMap from 'p-map';
import {
  describeOrder,
  type OrderNamespace,
  type OrderRun,
} from '../../temporal/order-workflow.ts';

const CALLS_AT_ONCE = 16;
const POLL_INTERVAL_MS = 1000;

/**
 * Waits until each of these orders' workflows has closed, and returns their latest runs. There is no
 * time limit: a store that keeps failing is retried indefinitely. Aborting the signal ends the wait.
 */
export async function awaitOutcomes(
  orders: OrderNamespace,
  orderIds: readonly string[],
  signal: AbortSignal,
  onProgress: (closed: number) => void = () => undefined,
): Promise<readonly OrderRun[]> {
  const closed: OrderRun[] = [];
  let open = orderIds;
  while (open.length > 0 && !signal.aborted) {
    const workflows = await pMap(open, (orderId) => describeOrder(orders, orderId), {
      concurrency: CALLS_AT_ONCE,
    });
    const running: string[] = [];
    for (const workflow of workflows) {
      if (workflow?.status === 'running') running.push(workflow.orderId);
      else if (workflow) closed.push(workflow);
    }
    open = running;
    onProgress(closed.length);
    if (open.length > 0) {
      await delay(POLL_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  return closed;
}

/** The type of the failure if the run has one, such as `OrderInvalid`, or else its status. */
export const outcomeOf = ({ failureType, status }: OrderRun): string => failureType ?? status;
