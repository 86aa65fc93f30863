import { status } from '@grpc/grpc-js';
import type { OrderMessage } from '../contract/message.ts';
import { SOURCE_OFFSET, SOURCE_PARTITION, SOURCE_TOPIC } from '../contract/workflow-metadata.ts';
import { callPatiently, hasCode } from '../temporal/call-patiently.ts';
import { isExpressible, quoted } from '../temporal/visibility-query.ts';
import { listRuns } from './list-orders.ts';
import type { OrderPlace } from './order-place.ts';
import { orderRun, type OrderRun } from './order-run.ts';
import { asPendingAttempt, type PendingAttempt } from './pending-attempt.ts';
import { messageOfStart, runStart } from '../temporal/run-start.ts';

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
  const { namespace } = client.options;
  const execution = { workflowId: `${workflowIdPrefix}${orderId}` };
  try {
    const { workflowExecutionInfo: info, pendingActivities } = await callPatiently(client, () =>
      client.workflowService.describeWorkflowExecution({ namespace, execution }),
    );
    if (!info) return undefined;
    const latest = orderRun(info, workflowIdPrefix);
    const [runs, message] = await Promise.all([
      allRuns(place, latest),
      startMessage(place, latest),
    ]);
    return { runs, message, pending: pendingActivities.map(asPendingAttempt) };
  } catch (error) {
    if (hasCode(error, status.NOT_FOUND)) return undefined;
    throw error;
  }
}

/** All runs of the order, the newest first. The latest is not in the list before visibility has it. */
async function allRuns(place: OrderPlace, latest: OrderRun): Promise<readonly OrderRun[]> {
  const runs = [latest];
  const query = queryForRuns(latest);
  if (query === undefined) return runs;
  for await (const page of listRuns(place, query)) {
    runs.push(
      ...page.filter(
        ({ workflowId, runId }) => workflowId === latest.workflowId && runId !== latest.runId,
      ),
    );
  }
  return runs.sort((a, b) => b.startedAt - a.startedAt);
}

/**
 * Finds all runs, and others, too, which the caller filters out. A workflow ID that a query cannot
 * express is found by where its message stood in Kafka, which all runs of an order have in common;
 * undefined where that is not known, as somebody else has started the workflow.
 */
function queryForRuns({ workflowId, source }: OrderRun): string | undefined {
  if (isExpressible(workflowId)) return `WorkflowId = ${quoted(workflowId)}`;
  const { topic, partition, offset } = source;
  if (topic === undefined || partition === undefined || offset === undefined) return undefined;
  if (!isExpressible(topic)) return undefined;
  return [
    `${SOURCE_TOPIC.name} = ${quoted(topic)}`,
    `${SOURCE_PARTITION.name} = ${partition}`,
    `${SOURCE_OFFSET.name} = ${offset}`,
  ].join(' AND ');
}

/** Undefined too when the namespace's retention has passed just now. */
async function startMessage(
  { client }: OrderPlace,
  run: OrderRun,
): Promise<OrderMessage | undefined> {
  try {
    return messageOfStart(await runStart(client, run));
  } catch (error) {
    if (hasCode(error, status.NOT_FOUND)) return undefined;
    throw error;
  }
}
