import { status } from '@grpc/grpc-js';
import { callWithRetry, hasCode } from '../../temporal/call-with-retry.ts';
import type { OrderNamespace } from './open-orders.ts';
import { orderRun, type OrderRun } from '../../temporal/order-workflow.ts';

/** The latest run of one order; undefined when Temporal does not know it, or no longer. */
export async function findOrder(
  { client, workflowIdPrefix }: OrderNamespace,
  orderId: string,
): Promise<OrderRun | undefined> {
  const { namespace } = client.options;
  const workflowId = `${workflowIdPrefix}${orderId}`;
  try {
    const { workflowExecutionInfo } = await callWithRetry(client, () =>
      client.workflowService.describeWorkflowExecution({ namespace, execution: { workflowId } }),
    );
    return workflowExecutionInfo ? orderRun(workflowExecutionInfo, workflowIdPrefix) : undefined;
  } catch (error) {
    if (hasCode(error, status.NOT_FOUND)) return undefined;
    throw error;
  }
}
