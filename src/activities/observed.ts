import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { OrderActivities } from '../contract/ingest-order.ts';

/** How an attempt at an activity ended; `retried` is one that Temporal repeats. */
export const ATTEMPT_OUTCOMES = ['succeeded', 'failed', 'retried'] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

export type OnAttempt = (
  activity: keyof OrderActivities,
  outcome: AttemptOutcome,
  seconds: number,
) => void;

/** The same activity; each attempt is reported with its outcome and its duration. */
export const observed =
  <Input, Result>(
    activity: keyof OrderActivities,
    run: (input: Input) => Promise<Result>,
    onAttempt: OnAttempt,
  ) =>
  async (input: Input): Promise<Result> => {
    const begin = performance.now();
    const report = (outcome: AttemptOutcome) => {
      onAttempt(activity, outcome, (performance.now() - begin) / 1000);
    };
    try {
      const result = await run(input);
      report('succeeded');
      return result;
    } catch (error) {
      report(error instanceof ApplicationFailure && error.nonRetryable ? 'failed' : 'retried');
      throw error;
    }
  };

/** Which workflow an activity's log lines belong to, and which attempt. */
export function activityLogFields(): {
  readonly workflowId: string | undefined;
  readonly runId: string | undefined;
  readonly attempt: number;
} {
  const { workflowExecution, attempt } = activityInfo();
  return {
    workflowId: workflowExecution?.workflowId,
    runId: workflowExecution?.runId,
    attempt,
  };
}
