import pRetry from 'p-retry';
import { describeError } from '../program/operator-error.ts';
import { createOutageReport } from '../telemetry/outage-report.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Readiness } from '../telemetry/readiness.ts';

const FIRST_WAIT_MS = 100;
const LONGEST_WAIT_MS = 5000;

/** Repeats work until it succeeds, however long that takes, or until the signal is aborted. */
export type Persist = <Result>(work: () => Promise<Result>, signal: AbortSignal) => Promise<Result>;

/** Persists against one dependency, such as Temporal, and reports its outages. */
export function createPersist(
  dependency: string,
  parts: { readonly logger: Logger; readonly readiness: Readiness },
): Persist {
  const report = createOutageReport(dependency, parts);
  return async (work, signal) => {
    signal.throwIfAborted();
    // p-retry costs a third of the bridge's time, so it is left to those who need it.
    const result = await work().catch((firstError: unknown) =>
      pRetry(
        (attempt) => (attempt === 1 ? throwPlainError(firstError) : work().catch(throwPlainError)),
        {
          retries: Infinity,
          minTimeout: FIRST_WAIT_MS,
          maxTimeout: LONGEST_WAIT_MS,
          randomize: true,
          signal,
          onFailedAttempt: ({ error }) => {
            report.failed(error);
          },
        },
      ),
    );
    report.succeeded();
    return result;
  };
}

/** p-retry gives up on a TypeError, and kafkajs ends the consumer for good on one: neither may be. */
function throwPlainError(error: unknown): never {
  throw error instanceof TypeError ? new Error(describeError(error), { cause: error }) : error;
}
