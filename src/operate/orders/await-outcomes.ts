import { setTimeout as delay } from 'node:timers/promises';
import pMap from 'p-map';
import { findOrder } from './find-order.ts';
import type { OrderNamespace } from './open-orders.ts';
import type { OrderRun } from '../../temporal/order-workflow.ts';

const CALLS_AT_ONCE = 16;
const POLL_INTERVAL_MS = 1000;

/**
 * Waits until none of these orders runs any more; answers with their latest runs. One that is retried
 * without end is waited for without end, until the signal is aborted.
 */
export async function awaitOutcomes(
  place: OrderNamespace,
  orderIds: readonly string[],
  signal: AbortSignal,
  onProgress: (ended: number) => void,
): Promise<readonly OrderRun[]> {
  const ended: OrderRun[] = [];
  let open = orderIds;
  while (open.length > 0 && !signal.aborted) {
    const runs = await pMap(open, (orderId) => findOrder(place, orderId), {
      concurrency: CALLS_AT_ONCE,
    });
    ended.push(...runs.filter((run) => run !== undefined).filter(hasEnded));
    open = runs.flatMap((run) => (run && !hasEnded(run) ? [run.orderId] : []));
    onProgress(ended.length);
    if (open.length > 0) {
      await delay(POLL_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
    }
  }
  return ended;
}

const hasEnded = ({ status }: OrderRun): boolean => status !== 'running';
