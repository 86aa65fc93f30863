import { patched, proxyLocalActivities } from '@temporalio/workflow';
import type { IngestOrderResult, OrderActivities } from '../../../src/contract/ingest-workflow.ts';
import type { OrderMessage } from '../../../src/contract/message.ts';
import { ingestOrder as unchanged } from '../../../src/workflows/ingest-order.ts';
import { LOCAL_OPTIONS } from '../../../src/workflows/retry-policies.ts';

const { translateOrder } = proxyLocalActivities<OrderActivities>(LOCAL_OPTIONS);

/**
 * The example of docs/upgrades/workflow-code.md: a new version translates each order in a step of its own,
 * before the steps that exist. Orders that an older version has started take the old path, because their
 * histories have no marker of the patch.
 */
export async function ingestOrder(message: OrderMessage): Promise<IngestOrderResult> {
  if (patched('translate-first')) await translateFirst(message);
  return unchanged(message);
}

/** Its failure is reported by the steps that follow. */
const translateFirst = (message: OrderMessage) => translateOrder(message).catch(() => undefined);
