import { ApplicationFailure } from '@temporalio/common';

/** The outcome of one attempt: `failed` is final, `retried` is repeated by Temporal. */
export const ATTEMPT_OUTCOMES = ['succeeded', 'failed', 'retried'] as const;
export type AttemptOutcome = (typeof ATTEMPT_OUTCOMES)[number];

/**
 * What is measured, by the name of the regular activity. An attempt at `translateAndStoreOrder` counts as
 * one attempt at each.
 */
export const STEP_NAMES = ['translateOrder', 'storeOrder'] as const;
export type StepName = (typeof STEP_NAMES)[number];

export type OnAttempt = (step: StepName, outcome: AttemptOutcome, seconds: number) => void;

/** Wraps a step so that the outcome and the duration of each attempt are reported. */
export const measured =
  <Input, Result>(
    step: StepName,
    run: (input: Input) => Result | Promise<Result>,
    onAttempt: OnAttempt,
  ) =>
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
