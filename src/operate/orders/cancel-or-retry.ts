import type { Client } from '@temporalio/client';
import { status } from '@grpc/grpc-js';
import { callWithRetry, hasCode } from '../../temporal/call-with-retry.ts';
import { findOrder } from './find-order.ts';
import type { OrderNamespace } from './open-orders.ts';
import type { OrderRun } from '../../temporal/order-workflow.ts';

/** What has become of the wish to do something to an order that is being retried. */
export type ActOutcome =
  | 'done'
  /** Temporal does not know the order, or no longer. */
  | 'unknown'
  /** It has ended already. */
  | 'not-running'
  /** It runs, and waits for no next attempt. */
  | 'nothing-pending'
  /** This Temporal server has no such call. */
  | 'not-supported';

/** Asks the running workflow of an order to end as cancelled; nothing is stored then. */
export const cancelOrder = (
  place: OrderNamespace,
  orderId: string,
  identity: string,
): Promise<ActOutcome> =>
  onRunning(place, orderId, async ({ workflowId, runId }) => {
    const { client } = place;
    const { namespace } = client.options;
    await callWithRetry(client, () =>
      client.workflowService.requestCancelWorkflowExecution({
        namespace,
        workflowExecution: { workflowId, runId },
        identity,
        requestId: `cancel/${runId}`,
      }),
    );
    return 'done';
  });

/** Has the pending activity of an order try at once; it counts its attempts from one again. */
export const retryOrderNow = (
  place: OrderNamespace,
  orderId: string,
  identity: string,
): Promise<ActOutcome> =>
  onRunning(place, orderId, async (run) => {
    const { client } = place;
    const { namespace } = client.options;
    const execution = { workflowId: run.workflowId, runId: run.runId };
    const { pendingActivities } = await callWithRetry(client, () =>
      client.workflowService.describeWorkflowExecution({ namespace, execution }),
    );
    for (const { activityId } of pendingActivities) {
      const outcome = await resetActivity(client, { execution, id: activityId ?? '', identity });
      if (outcome !== 'done') return outcome;
    }
    return pendingActivities.length > 0 ? 'done' : 'nothing-pending';
  });

async function resetActivity(
  client: Client,
  request: {
    readonly execution: { readonly workflowId: string; readonly runId: string };
    readonly id: string;
    readonly identity: string;
  },
): Promise<'done' | 'not-supported' | 'nothing-pending'> {
  const { namespace } = client.options;
  try {
    await callWithRetry(client, () =>
      client.workflowService.resetActivity({ namespace, ...request, keepPaused: true }),
    );
    return 'done';
  } catch (error) {
    if (hasCode(error, status.UNIMPLEMENTED)) return 'not-supported';
    // It has succeeded meanwhile.
    if (hasCode(error, status.NOT_FOUND)) return 'nothing-pending';
    throw error;
  }
}

async function onRunning(
  place: OrderNamespace,
  orderId: string,
  act: (run: OrderRun) => Promise<ActOutcome>,
): Promise<ActOutcome> {
  const run = await findOrder(place, orderId);
  if (!run) return 'unknown';
  if (run.status !== 'running') return 'not-running';
  try {
    return await act(run);
  } catch (error) {
    if (hasCode(error, status.NOT_FOUND)) return 'not-running';
    throw error;
  }
}
