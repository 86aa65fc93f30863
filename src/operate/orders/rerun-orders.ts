import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { status } from '@grpc/grpc-js';
import pMap from 'p-map';
import { INGEST_ORDER } from '../../contract/ingest-workflow.ts';
import { callWithRetry, hasCode } from '../../temporal/call-with-retry.ts';
import { type RunStart, runStart } from '../../temporal/run-start.ts';
import type { OrderRun } from '../../temporal/order-workflow.ts';

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
    const started = await callWithRetry(client, () =>
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

/** Starts a failed order again, with the failed run's own input; named after that run. */
export async function rerunOrder(
  target: RerunTarget,
  { workflowId, runId }: Pick<OrderRun, 'workflowId' | 'runId'>,
): Promise<RerunOutcome> {
  const start = await runStart(target.client, { workflowId, runId });
  return startAgain(target, start, { workflowId, requestId: `rerun/${runId}` });
}

export interface RerunOptions {
  /** So many a second at the most. */
  readonly perSecond: number;
  /** Only count. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: (handled: number) => void;
}

export interface RerunResult {
  /** Order IDs that run again; in a dry run those that would. */
  readonly started: readonly string[];
  /** Run or have been stored meanwhile. */
  readonly leftAlone: number;
  /** Runs whose history is past the namespace's retention. */
  readonly gone: readonly OrderRun[];
}

const STARTS_AT_ONCE = 16;

/** Runs failed orders again, as they come. What has been started when it is aborted stays so. */
export async function rerunOrders(
  target: RerunTarget,
  runs: AsyncIterable<OrderRun>,
  { perSecond, dryRun, signal, onProgress }: RerunOptions,
): Promise<RerunResult> {
  const started: string[] = [];
  const gone: OrderRun[] = [];
  let leftAlone = 0;
  let handled = 0;
  await pMap(
    paced(runs, dryRun ? Number.POSITIVE_INFINITY : perSecond, signal),
    async (run) => {
      if (signal.aborted) return;
      if (dryRun) started.push(run.orderId);
      else {
        try {
          const outcome = await rerunOrder(target, run);
          if (outcome.kind === 'started') started.push(run.orderId);
          else leftAlone += 1;
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
  return { started, leftAlone, gone };
}

async function* paced(
  runs: AsyncIterable<OrderRun>,
  perSecond: number,
  signal: AbortSignal,
): AsyncGenerator<OrderRun, void, undefined> {
  const begin = Date.now();
  let count = 0;
  for await (const run of runs) {
    const wait = begin + (count * 1000) / perSecond - Date.now();
    if (wait > 0) await delay(wait, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    count += 1;
    yield run;
  }
}
