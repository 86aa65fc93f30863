import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { status } from '@grpc/grpc-js';
import { SOURCE_OFFSET, SOURCE_PARTITION, SOURCE_TOPIC } from '../contract/workflow-metadata.ts';
import { callWithRetry, hasCode } from './call-with-retry.ts';
import { ingestedFingerprints } from './ingested-fingerprints.ts';
import { readPayload } from './read-payload.ts';

/** The key of the memo that names the replay which has started a completed order's workflow again. */
export const REPLAY_MEMO = 'replay';

/** What Temporal knows of an order, from the latest run of its workflow. */
export interface OrderWorkflow {
  readonly runId: string;
  readonly state: 'running' | 'completed' | 'failed';
  /** Of the content that it is about; see `ingestedFingerprints`. */
  readonly fingerprints: readonly string[];
  /** The name of the replay that has started this run; undefined for other runs. */
  readonly replay: string | undefined;
  readonly source: { readonly topic: string; readonly partition: number; readonly offset: string };
}

/** Undefined when there is none, or when the namespace's retention has passed. Retries what may pass. */
export async function findOrderWorkflow(
  client: Client,
  workflowId: string,
): Promise<OrderWorkflow | undefined> {
  const { namespace } = client.options;
  try {
    const { workflowExecutionInfo: info } = await callWithRetry(client, () =>
      client.workflowService.describeWorkflowExecution({ namespace, execution: { workflowId } }),
    );
    const attributes = info?.searchAttributes?.indexedFields ?? {};
    const replay = readPayload(info?.memo?.fields?.[REPLAY_MEMO]);
    return {
      runId: info?.execution?.runId ?? '',
      state: stateOf(info?.status),
      fingerprints: ingestedFingerprints(info?.memo?.fields),
      replay: typeof replay === 'string' ? replay : undefined,
      source: {
        topic: String(readPayload(attributes[SOURCE_TOPIC.name])),
        partition: Number(readPayload(attributes[SOURCE_PARTITION.name])),
        offset: String(readPayload(attributes[SOURCE_OFFSET.name])),
      },
    };
  } catch (error) {
    if (hasCode(error, status.NOT_FOUND)) return undefined;
    throw error;
  }
}

type Status = proto.temporal.api.enums.v1.WorkflowExecutionStatus;

/** Cancelled, terminated and timed out count as failed: none of them has stored the order. */
function stateOf(status: Status | null | undefined): OrderWorkflow['state'] {
  const {
    WORKFLOW_EXECUTION_STATUS_RUNNING: running,
    WORKFLOW_EXECUTION_STATUS_CONTINUED_AS_NEW: continued,
    WORKFLOW_EXECUTION_STATUS_PAUSED: paused,
    WORKFLOW_EXECUTION_STATUS_COMPLETED: completed,
  } = proto.temporal.api.enums.v1.WorkflowExecutionStatus;
  if (status === completed) return 'completed';
  return status === running || status === continued || status === paused ? 'running' : 'failed';
}
