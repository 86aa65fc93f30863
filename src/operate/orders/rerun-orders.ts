import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { status } from '@grpc/grpc-js';
import pMap from 'p-map';
import type { WorkflowRun } from '../../contract/ids.ts';
import { INGEST_ORDER } from '../../contract/ingest-workflow.ts';
import type { Priority } from '../../contract/priority.ts';
import { callWithRetry } from '../../temporal/call-with-retry.ts';
import type { OrderRun } from '../../temporal/order-workflow.ts';
import { encodeStart } from '../../temporal/payloads.ts';
import { readRunStart, type RunStart, withPriority } from '../../temporal/run-start.ts';
import { hasCode } from '../../temporal/temporal-error.ts';
import { RateLimit } from '../rate-limit.ts';

/** The result of a re-run or a correction. */
export type RerunOutcome =
  | { readonly kind: 'started'; readonly runId: string }
  /** The order is running, or has been stored in the meantime. */
  | { readonly kind: 'skipped' };

export interface RerunTarget {
  readonly client: Client;
  readonly taskQueue: string;
  /** Who starts the run, as the workflow's history records it. */
  readonly identity: string;
}

type Request = proto.temporal.api.workflowservice.v1.IStartWorkflowExecutionRequest;

/**
 * Starts a new run of a failed order as the given run was started, except for `changes` and the priority,
 * and without a start delay, for which the order has waited before. Safe to repeat
 * with the same request ID: Temporal then returns the run that it has already started. It rejects the
 * start when the order is running or stored.
 */
export async function startRerun(
  { client, taskQueue, identity }: RerunTarget,
  { attributes, userMetadata }: RunStart,
  changes: Pick<Request, 'workflowId' | 'requestId' | 'input' | 'memo'>,
  priority: Priority,
): Promise<RerunOutcome> {
  const { namespace } = client.options;
  const { WorkflowIdReusePolicy, WorkflowIdConflictPolicy } = proto.temporal.api.enums.v1;
  const { input, header, memo, searchAttributes } = attributes;
  const request = await encodeStart(client, {
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
    priority: withPriority(attributes.priority, priority),
    ...changes,
  });
  try {
    const started = await callWithRetry(client, () =>
      client.workflowService.startWorkflowExecution(request),
    );
    return { kind: 'started', runId: started.runId };
  } catch (error) {
    if (hasCode(error, status.ALREADY_EXISTS)) return { kind: 'skipped' };
    throw error;
  }
}

/** Re-runs a failed order with the input of its failed run. The request ID is derived from that run. */
export async function rerunOrder(
  target: RerunTarget,
  { workflowId, runId }: WorkflowRun,
  priority: Priority,
): Promise<RerunOutcome> {
  const start = await readRunStart(target.client, { workflowId, runId });
  return startRerun(target, start, { workflowId, requestId: `rerun/${runId}` }, priority);
}

export interface RerunOptions {
  /** Maximum re-runs per second. */
  readonly perSecond: number;
  readonly priority: Priority;
  /** Counts the orders without starting anything. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (handled: number) => void;
}

export interface RerunResult {
  /** IDs of the orders that were re-run or, in a dry run, would be. */
  readonly started: readonly string[];
  /** How many orders are running, or have been stored in the meantime. */
  readonly skipped: number;
  /** Runs that Temporal no longer has, because the namespace's retention has passed. */
  readonly gone: readonly OrderRun[];
}

const STARTS_AT_ONCE = 16;

/** Re-runs failed orders in the order given. Aborting the signal does not stop what was started. */
export async function rerunOrders(
  target: RerunTarget,
  runs: AsyncIterable<OrderRun>,
  { perSecond, priority, dryRun, signal, onProgress }: RerunOptions,
): Promise<RerunResult> {
  const started: string[] = [];
  const gone: OrderRun[] = [];
  let skipped = 0;
  let handled = 0;
  await pMap(
    paced(runs, dryRun ? Number.POSITIVE_INFINITY : perSecond, signal),
    async (run) => {
      if (signal.aborted) return;
      if (dryRun) started.push(run.orderId);
      else {
        try {
          const outcome = await rerunOrder(target, run, priority);
          if (outcome.kind === 'started') started.push(run.orderId);
          else skipped += 1;
        } catch (error) {
          if (!hasCode(error, status.NOT_FOUND)) throw error;
          gone.push(run);
        }
      }
      handled += 1;
      onProgress(handled);
    },
    { concurrency: STARTS_AT_ONCE },
  );
  return { started, skipped, gone };
}

async function* paced(
  runs: AsyncIterable<OrderRun>,
  perSecond: number,
  signal: AbortSignal,
): AsyncGenerator<OrderRun, void, undefined> {
  const limit = new RateLimit({ perSecond, signal });
  for await (const run of runs) {
    await limit.pass();
    if (signal.aborted) return;
    yield run;
  }
}
