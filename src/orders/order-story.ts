import { status } from '@grpc/grpc-js';
import type { OrderMessage } from '../contract/order-message.ts';
import { callPatiently, hasCode } from '../temporal/call-patiently.ts';
import { quoted } from '../temporal/visibility-query.ts';
import { listRuns } from './list-orders.ts';
import type { OrderPlace } from './order-place.ts';
import type { OrderRun } from './order-run.ts';
import { asPendingAttempt, type PendingAttempt } from './pending-attempt.ts';
import { messageOfStart, runStart } from './run-start.ts';

/** All that Temporal knows of one order. */
export interface OrderStory {
  /** The newest first. */
  readonly runs: readonly OrderRun[];
  /** What the newest run was started with. */
  readonly message: OrderMessage | undefined;
  readonly pending: readonly PendingAttempt[];
}

/** Undefined when Temporal does not know the order, or no longer. */
export async function orderStory(
  place: OrderPlace,
  orderId: string,
): Promise<OrderStory | undefined> {
  const { client, workflowIdPrefix } = place;
  const workflowId = `${workflowIdPrefix}${orderId}`;
  const runs: OrderRun[] = [];
  for await (const page of listRuns(place, `WorkflowId = ${quoted(workflowId)}`)) {
    runs.push(...page);
  }
  runs.sort((a, b) => b.startedAt - a.startedAt);
  const [latest] = runs;
  if (!latest) return undefined;
  const { namespace } = client.options;
  const execution = { workflowId, runId: latest.runId };
  try {
    const [start, { pendingActivities }] = await Promise.all([
      runStart(client, latest),
      callPatiently(client, () =>
        client.workflowService.describeWorkflowExecution({ namespace, execution }),
      ),
    ]);
    return {
      runs,
      message: messageOfStart(start),
      pending: pendingActivities.map(asPendingAttempt),
    };
  } catch (error) {
    // Its retention has passed just now.
    if (hasCode(error, status.NOT_FOUND)) return { runs, message: undefined, pending: [] };
    throw error;
  }
}
