import type proto from '@temporalio/proto';
import type { Client } from '@temporalio/client';
import { callWithRetry } from '../../temporal/call-with-retry.ts';
import { milliseconds, type OrderRun } from '../../temporal/order-workflow.ts';

/** A step that a running order has not got past yet. */
export interface PendingAttempt {
  readonly activity: string;
  /** The number of the attempt that is under way or due next. */
  readonly attempt: number;
  readonly lastFailure: string | undefined;
  /** Milliseconds since 1970; undefined while an attempt is under way. */
  readonly nextAttemptAt: number | undefined;
}

/** What a running order waits for; undefined when Temporal shows nothing of it. */
async function pendingAttempt(
  client: Client,
  { workflowId, runId }: Pick<OrderRun, 'workflowId' | 'runId'>,
): Promise<PendingAttempt | undefined> {
  const { namespace } = client.options;
  const { pendingActivities } = await callWithRetry(client, () =>
    client.workflowService.describeWorkflowExecution({
      namespace,
      execution: { workflowId, runId },
    }),
  );
  const [activity] = pendingActivities;
  return activity && asPendingAttempt(activity);
}

export const asPendingAttempt = (
  activity: proto.temporal.api.workflow.v1.IPendingActivityInfo,
): PendingAttempt => ({
  activity: activity.activityType?.name ?? 'unknown',
  attempt: activity.attempt ?? 1,
  lastFailure: activity.lastFailure?.message ?? undefined,
  nextAttemptAt: milliseconds(activity.nextAttemptScheduleTime),
});

const CALLS_AT_ONCE = 64;

/** The same orders in the same order, each running one with what it waits for. */
export async function* withPending(
  { client }: { readonly client: Client },
  runs: AsyncIterable<OrderRun>,
): AsyncGenerator<{ run: OrderRun; pending: PendingAttempt | undefined }, void, undefined> {
  const ask = async (run: OrderRun) => ({
    run,
    pending: run.status === 'running' ? await pendingAttempt(client, run) : undefined,
  });
  let chunk: OrderRun[] = [];
  for await (const run of runs) {
    chunk.push(run);
    if (chunk.length < CALLS_AT_ONCE) continue;
    yield* await Promise.all(chunk.map(ask));
    chunk = [];
  }
  yield* await Promise.all(chunk.map(ask));
}
