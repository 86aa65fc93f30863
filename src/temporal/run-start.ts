import type { Client } from '@temporalio/client';
import type proto from '@temporalio/proto';
import type { WorkflowRun } from '../contract/ids.ts';
import type { OrderMessage } from '../contract/message.ts';
import type { Priority } from '../contract/priority.ts';
import { type Call, callWithRetry } from './call-with-retry.ts';
import { decodeMetadata, decodeStarted, readPayload } from './payloads.ts';

/** What a run was started with: the first event of its history, decoded. `encodeStart` encodes it again. */
export interface RunStart {
  readonly attributes: proto.temporal.api.history.v1.IWorkflowExecutionStartedEventAttributes;
  readonly userMetadata: proto.temporal.api.sdk.v1.IUserMetadata | undefined;
}

/**
 * Reads the start of a run. Throws gRPC's NOT_FOUND when the namespace's retention has passed.
 *
 * @param call retries transient errors by default
 */
export async function readRunStart(
  client: Client,
  { workflowId, runId }: WorkflowRun,
  call: Call = (work) => callWithRetry(client, work),
): Promise<RunStart> {
  const { namespace } = client.options;
  const { history } = await call(() =>
    client.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId, runId },
      maximumPageSize: 1,
    }),
  );
  const first = history?.events?.[0];
  const attributes = first?.workflowExecutionStartedEventAttributes;
  if (!attributes) throw new Error(`the history of ${workflowId} does not begin with its start`);
  return {
    attributes: await decodeStarted(client, attributes),
    userMetadata: await decodeMetadata(client, first.userMetadata),
  };
}

type WorkflowPriority = proto.temporal.api.common.v1.IPriority;

/** The priority of a further run. It keeps the fairness key and weight of the order's earlier run. */
export const withPriority = (
  earlier: WorkflowPriority | null | undefined,
  priority: Priority | undefined,
): WorkflowPriority => ({
  ...(earlier?.fairnessKey ? { fairnessKey: earlier.fairnessKey } : {}),
  ...(earlier?.fairnessWeight ? { fairnessWeight: earlier.fairnessWeight } : {}),
  ...(priority === undefined ? {} : { priorityKey: priority }),
});

/** The run's message; undefined when the workflow was started by hand with another input. */
export function messageOf({ attributes }: RunStart): OrderMessage | undefined {
  const input = readPayload(attributes.input?.payloads?.[0]);
  return isOrderMessage(input) ? input : undefined;
}

const isOrderMessage = (input: unknown): input is OrderMessage =>
  typeof input === 'object' &&
  input !== null &&
  'text' in input &&
  typeof input.text === 'string' &&
  'source' in input &&
  typeof input.source === 'object';
