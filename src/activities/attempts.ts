import { activityInfo } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';

/** How an attempt at an activity ended; `retried` is one that Temporal repeats. */
export const ATTEMPT_OUTCOMES = ['succeeded', 'failed', 'retried'] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

/** What an attempt does: both in a first one, or one of them in an activity of its name. */
export const STEP_NAMES = ['translateOrder', 'storeOrder'] as const;
export type StepName = (typeof STEP_NAMES)[number];

export type OnAttempt = (step: StepName, outcome: AttemptOutcome, seconds: number) => void;

/** The same step; each attempt is reported with its outcome and its duration. */
export const measured =
  <Input, Result>(step: StepName, run: (input: Input) => Promise<Result>, onAttempt: OnAttempt) =>
  async (input: Input): Promise<Result> => {
    const begin = performance.now();
    const report = (outcome: AttemptOutcome) => {
      onAttempt(step, outcome, (performance.now() - begin) / 1000);
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
