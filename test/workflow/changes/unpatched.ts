import { proxyLocalActivities } from '@temporalio/workflow';
import type { IngestOrderResult, OrderActivities } from '../../../src/contract/ingest-workflow.ts';
import type { OrderMessage } from '../../../src/contract/message.ts';
import { ingestOrder as unchanged } from '../../../src/workflows/ingest-order.ts';
import { LOCAL_OPTIONS } from '../../../src/workflows/retry-policies.ts';

const { translateOrder } = proxyLocalActivities<OrderActivities>(LOCAL_OPTIONS);

/** The change of patched.ts without `patched`: it breaks every order that an older version has started. */
export async function ingestOrder(message: OrderMessage): Promise<IngestOrderResult> {
  await translateOrder(message).catch(() => undefined);
  return unchanged(message);
}
