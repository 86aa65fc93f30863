import pRetry from 'p-retry';
import { describeError } from '../program/operator-error.ts';
import { DependencyHealth } from '../telemetry/health/dependency-health.ts';
import type { Conditions } from '../telemetry/health/health.ts';
import type { Logger } from '../telemetry/logger.ts';

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;

/** Repeats work until it succeeds, however long that takes, or until the signal is aborted. */
export type RetryForever = <Result>(
  work: () => Promise<Result>,
  signal: AbortSignal,
) => Promise<Result>;

/** Retries calls to one dependency, such as Temporal, and reports its outages. */
export function createRetryForever(
  dependency: string,
  parts: {
    readonly logger: Logger;
    readonly readiness: Conditions;
    /** Errors that are retried, too, and are no outage. */
    readonly isThrottled?: (error: unknown) => boolean;
  },
): RetryForever {
  const health = new DependencyHealth(dependency, parts);
  let failingCalls = 0;
  return async (work, signal) => {
    signal.throwIfAborted();
    // p-retry costs a third of the bridge's time, so it is left to calls that need it.
    const result = await work().catch((error: unknown) => retry(error, work, signal));
    health.callSucceeded();
    return result;
  };

  async function retry<Result>(
    firstError: unknown,
    work: () => Promise<Result>,
    signal: AbortSignal,
  ): Promise<Result> {
    const since = Date.now();
    failingCalls += 1;
    try {
      const result = await pRetry(
        (attempt) => (attempt === 1 ? throwPlainError(firstError) : work().catch(throwPlainError)),
        {
          retries: Infinity,
          minTimeout: FIRST_WAIT_MS,
          maxTimeout: LONGEST_WAIT_MS,
          randomize: true,
          signal,
          onFailedAttempt: ({ error }) => {
            health.callFailed(error, Date.now() - since);
          },
        },
      );
      failingCalls -= 1;
      return result;
    } catch (error) {
      failingCalls -= 1;
      if (failingCalls === 0) health.callsAbandoned();
      throw error;
    }
  }
}

/** p-retry gives up on a TypeError, and kafkajs ends the consumer for good on one: neither may be. */
function throwPlainError(error: unknown): never {
  throw error instanceof TypeError ? new Error(describeError(error), { cause: error }) : error;
}
