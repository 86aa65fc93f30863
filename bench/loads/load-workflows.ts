import { proxyActivities } from '@temporalio/workflow';
import type { OrderActivities } from '../../src/contract/ingest-workflow.ts';
import type { OrderMessage } from '../../src/contract/message.ts';
import { REGULAR_OPTIONS } from '../../src/workflows/retry-policies.ts';

const { translateOrder, storeOrder } = proxyActivities<OrderActivities>(REGULAR_OPTIONS);

/** The lowest possible cost of one workflow per order. */
export async function emptyWorkflow(): Promise<void> {
  // Nothing to do.
}

/** The obvious first version of the workflow: two regular activities. */
export async function ingestOrder(message: OrderMessage): Promise<unknown> {
  return storeOrder(await translateOrder(message));
}
