import { patched, proxyLocalActivities, workflowInfo } from '@temporalio/workflow';
import type { IngestOrderResult, OrderActivities } from '../../../src/contract/ingest-workflow.ts';
import type { OrderMessage } from '../../../src/contract/message.ts';
import { ingestOrder as unchanged } from '../../../src/workflows/ingest-order.ts';
import { LOCAL_OPTIONS } from '../../../src/workflows/retry-policies.ts';

const { translateOrder } = proxyLocalActivities<OrderActivities>(LOCAL_OPTIONS);

/**
 * The release before patched.ts: it continues orders of the new version, but does not take the new path by
 * itself. A rollback from patched.ts to this release therefore breaks no order.
 */
export async function ingestOrder(message: OrderMessage): Promise<IngestOrderResult> {
  // Only a replay asks for the patch, so that no marker is written.
  if (workflowInfo().unsafe.isReplaying && patched('translate-first')) {
    await translateOrder(message).catch(() => undefined);
  }
  return unchanged(message);
}
