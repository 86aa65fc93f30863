import { proxyActivities } from '@temporalio/workflow';
import type { OrderActivities } from '../../src/contract/ingest-workflow.ts';
import type { OrderMessage } from '../../src/contract/message.ts';
import { REGULAR_OPTIONS } from '../../src/workflows/retry-policies.ts';

const { translateOrder, storeOrder } = proxyActivities<OrderActivities>(REGULAR_OPTIONS);

/** The least that one workflow an order can cost. */
export async function emptyWorkflow(): Promise<void> {
  // Nothing to do.
}

/** The order's way through two regular activities, as one would write it first. */
export async function ingestOrder(message: OrderMessage): Promise<unknown> {
  return storeOrder(await translateOrder(message));
}
