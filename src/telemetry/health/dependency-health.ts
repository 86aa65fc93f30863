import { describeError, OperatorError } from '../../program/operator-error.ts';
import type { Logger } from '../logger.ts';
import type { Readiness } from './health.ts';

/**
 * So long must calls fail without one success before the dependency counts as unavailable. Longer than
 * the deadline of a call, so that a few that miss it among others that are answered are no outage.
 */
const UNAVAILABLE_AFTER_MS = 5000;
/** A line of each kind is logged at most this often. */
const LOG_INTERVAL_MS = 30_000;
/** So long after the last failing call was given up, an outage is no longer reported. */
const FORGET_AFTER_MS = 30_000;
/** After so long a call that keeps failing is logged, although others succeed. */
const STUCK_CALL_AFTER_MS = 30_000;

/**
 * Decides by the calls to one dependency, such as Temporal, whether it is unavailable. It is when calls
 * fail and none has succeeded for five seconds; with the next success it is available again. While
 * unavailable the program is not ready, and a line is logged at the beginning, every half minute and at
 * the end, however many calls fail.
 */
export interface OutageReport {
  /** A call has failed and is repeated; it has been failing for so long. */
  failed(error: unknown, failingForMs?: number): void;
  succeeded(): void;
  /** No call that has failed is repeated any more: whether the dependency is available is not known. */
  abandoned(): void;
}

export function createOutageReport(
  dependency: string,
  {
    logger,
    readiness,
    isThrottled = () => false,
  }: {
    readonly logger: Logger;
    readonly readiness: Readiness;
    /** Errors by which the dependency only asks for fewer calls: no outage, and reported elsewhere. */
    readonly isThrottled?: (error: unknown) => boolean;
  },
): OutageReport {
  /** Since the first failure after the last success. */
  let failing: { readonly since: number; readonly timer: NodeJS.Timeout } | undefined;
  let lastError: unknown;
  let isUnavailable = false;
  let isLogged = false;
  let forgetting: NodeJS.Timeout | undefined;
  const mayLog = { outage: everyInterval(), stuckCall: everyInterval() };

  const reportUnavailable = () => {
    isUnavailable = true;
    readiness.report(dependency, describeError(lastError));
    if (!mayLog.outage()) return;
    isLogged = true;
    logger.warn(
      { event: 'dependency_unavailable', dependency, ...errorFields(lastError) },
      `${dependency} is unavailable; retrying`,
    );
  };
  const stopForgetting = () => {
    clearTimeout(forgetting);
    forgetting = undefined;
  };
  const forget = () => {
    clearTimeout(failing?.timer);
    failing = undefined;
    isUnavailable = false;
    isLogged = false;
    readiness.clear(dependency);
  };
  return {
    failed(error, failingForMs = 0) {
      if (isThrottled(error)) return;
      stopForgetting();
      lastError = error;
      failing ??= {
        since: Date.now(),
        timer: setTimeout(reportUnavailable, UNAVAILABLE_AFTER_MS).unref(),
      };
      if (isUnavailable) reportUnavailable();
      else if (failingForMs >= STUCK_CALL_AFTER_MS && mayLog.stuckCall()) {
        const seconds = Math.round(failingForMs / 1000);
        logger.warn(
          { event: 'dependency_call_stuck', dependency, seconds, ...errorFields(error) },
          `a call to ${dependency} keeps failing while others succeed; retrying`,
        );
      }
    },
    succeeded() {
      if (!failing) return;
      stopForgetting();
      const seconds = Math.round((Date.now() - failing.since) / 1000);
      clearTimeout(failing.timer);
      failing = undefined;
      if (!isUnavailable) return;
      isUnavailable = false;
      readiness.clear(dependency);
      if (!isLogged) return;
      isLogged = false;
      logger.info(
        { event: 'dependency_available', dependency, seconds },
        `${dependency} is available again`,
      );
    },
    abandoned() {
      if (!failing) return;
      // A rebalance abandons all calls; those of the next batch show soon whether the outage lasts.
      if (isUnavailable) forgetting ??= setTimeout(forget, FORGET_AFTER_MS).unref();
      else forget();
    },
  };
}

/** Answers with true at most once an interval. */
function everyInterval(): () => boolean {
  let last = Number.NEGATIVE_INFINITY;
  return () => {
    const now = Date.now();
    if (now - last < LOG_INTERVAL_MS) return false;
    last = now;
    return true;
  };
}

const errorFields = (error: unknown) => ({
  error: describeError(error),
  ...(error instanceof OperatorError ? { code: error.code, remedy: error.fix } : {}),
});
