import pRetry from 'p-retry';
import { describeError } from '../program/operator-error.ts';
import { DependencyHealth } from '../telemetry/health/dependency-health.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Conditions } from '../telemetry/health/health.ts';

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;

/**
 * Repeats a call until it succeeds, however long that takes. Rejects only with the signal's reason,
 * when that is aborted.
 */
export type RetryForever = <Result>(
  call: () => Promise<Result>,
  signal: AbortSignal,
) => Promise<Result>;

/** Retries calls to one dependency, such as Temporal, with exponential backoff, and reports its outages. */
export function createRetryForever(
  dependency: string,
  parts: {
    readonly logger: Logger;
    readonly readiness: Conditions;
    /** Errors that are retried like all others but do not count as an outage. */
    readonly isThrottled?: (error: unknown) => boolean;
    /** Finds the cause of an outage: see DependencyHealth. */
    readonly explain?: (error: unknown) => Promise<unknown>;
  },
): RetryForever {
  const health = new DependencyHealth(dependency, parts);
  let failingCalls = 0;
  return async (call, signal) => {
    signal.throwIfAborted();
    // p-retry would take a third of the bridge's time, so only calls that have failed go through it.
    const result = await call().catch((error: unknown) => retry(error, call, signal));
    health.callSucceeded();
    return result;
  };

  async function retry<Result>(
    firstError: unknown,
    call: () => Promise<Result>,
    signal: AbortSignal,
  ): Promise<Result> {
    const since = Date.now();
    failingCalls += 1;
    try {
      const result = await pRetry(
        (attempt) => (attempt === 1 ? throwPlainError(firstError) : call().catch(throwPlainError)),
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

/** p-retry does not retry a TypeError, and kafkajs ends the consumer permanently on one. */
function throwPlainError(error: unknown): never {
  throw error instanceof TypeError ? new Error(describeError(error), { cause: error }) : error;
}
