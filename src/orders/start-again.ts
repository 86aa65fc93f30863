import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { status } from '@grpc/grpc-js';
import { INGEST_ORDER } from '../contract/ingest-workflow.ts';
import { callPatiently, hasCode } from '../temporal/call-patiently.ts';
import type { RunStart } from '../temporal/run-start.ts';

/** What has become of the wish to run an order again. */
export type RerunOutcome =
  | { readonly kind: 'started'; readonly runId: string }
  /** Another run is under way, or the order has been stored meanwhile. */
  | { readonly kind: 'left-alone' };

export interface RerunTarget {
  readonly client: Client;
  readonly taskQueue: string;
  /** Who does it, for the history. */
  readonly identity: string;
}

type Request = proto.temporal.api.workflowservice.v1.IStartWorkflowExecutionRequest;

/**
 * Starts an order's workflow as it was started before, but for what `changes` says, if its latest run
 * has failed. Safe to repeat with the same request ID: Temporal answers a second one with the run that
 * it has started, and refuses it when the order runs or has been stored.
 */
export async function startAgain(
  { client, taskQueue, identity }: RerunTarget,
  { attributes, userMetadata }: RunStart,
  changes: Pick<Request, 'workflowId' | 'requestId' | 'input' | 'memo'>,
): Promise<RerunOutcome> {
  const { namespace } = client.options;
  const { WorkflowIdReusePolicy, WorkflowIdConflictPolicy } = proto.temporal.api.enums.v1;
  const { input, header, memo, searchAttributes } = attributes;
  try {
    const started = await callPatiently(client, () =>
      client.workflowService.startWorkflowExecution({
        namespace,
        workflowType: { name: INGEST_ORDER },
        taskQueue: { name: taskQueue },
        identity,
        workflowIdReusePolicy:
          WorkflowIdReusePolicy.WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE_FAILED_ONLY,
        workflowIdConflictPolicy: WorkflowIdConflictPolicy.WORKFLOW_ID_CONFLICT_POLICY_FAIL,
        ...(input ? { input } : {}),
        ...(header ? { header } : {}),
        ...(memo ? { memo } : {}),
        ...(searchAttributes ? { searchAttributes } : {}),
        ...(userMetadata ? { userMetadata } : {}),
        ...changes,
      }),
    );
    return { kind: 'started', runId: started.runId };
  } catch (error) {
    if (hasCode(error, status.ALREADY_EXISTS)) return { kind: 'left-alone' };
    throw error;
  }
}
