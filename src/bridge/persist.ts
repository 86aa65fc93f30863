import pRetry from 'p-retry';
import { describeError } from '../program/operator-error.ts';
import type { Logger } from '../telemetry/logger.ts';

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;
const LOG_INTERVAL_MS = 30_000;

/** Repeats work until it succeeds, however long that takes, or until the signal is aborted. */
export type Persist = <Result>(work: () => Promise<Result>, signal: AbortSignal) => Promise<Result>;

/**
 * Persists against one dependency, such as Temporal. An outage is one line when it begins, one every
 * half minute while it lasts and one when it is over, however many messages wait for its end.
 */
export function createPersist(dependency: string, logger: Logger): Persist {
  let failingSince: number | undefined;
  let loggedAt = 0;
  const failed = (error: Error) => {
    failingSince ??= Date.now();
    if (Date.now() - loggedAt < LOG_INTERVAL_MS) return;
    loggedAt = Date.now();
    logger.warn(
      { event: 'dependency_unavailable', dependency, error: describeError(error) },
      `${dependency} does not take what the bridge sends; trying on`,
    );
  };
  const succeeded = () => {
    if (failingSince === undefined) return;
    const seconds = Math.round((Date.now() - failingSince) / 1000);
    failingSince = undefined;
    loggedAt = 0;
    logger.info({ event: 'dependency_available', dependency, seconds }, `${dependency} is back`);
  };
  return async (work, signal) => {
    const result = await pRetry(() => work().catch(throwPlainError), {
      retries: Infinity,
      minTimeout: FIRST_WAIT_MS,
      maxTimeout: LONGEST_WAIT_MS,
      randomize: true,
      signal,
      onFailedAttempt: ({ error }) => {
        failed(error);
      },
    });
    succeeded();
    return result;
  };
}

/** p-retry gives up on a TypeError, and kafkajs ends the consumer for good on one: neither may be. */
function throwPlainError(error: unknown): never {
  throw error instanceof TypeError ? new Error(describeError(error), { cause: error }) : error;
}
