import { systemClock, type Clock } from '../../program/clock.ts';
import { describeError, OperatorError } from '../../program/operator-error.ts';
import type { Logger } from '../logger.ts';
import { RateLimitedLog } from '../rate-limited-log.ts';
import type { Conditions } from './health.ts';
import { OutageLog } from './outage-log.ts';

/**
 * How long calls must fail without one success before the dependency counts as unavailable. Longer than
 * the deadline of a call: a few calls that time out while others succeed are not an outage.
 */
const UNAVAILABLE_AFTER_MS = 5000;
/** A call that keeps failing is logged at most this often. */
const STUCK_CALL_LOG_INTERVAL_MS = 30_000;
/** How long an outage is still reported after the last failing call was abandoned. */
const FORGET_AFTER_MS = 30_000;
/** How often the cause of an outage is looked for again. */
const EXPLAIN_INTERVAL_MS = 10_000;
/** A call that has been failing for this long is logged even while others succeed. */
const STUCK_CALL_AFTER_MS = 30_000;

export interface DependencyHealthOptions {
  readonly logger: Logger;
  readonly readiness: Conditions;
  /** Recognizes errors by which the dependency asks for fewer calls. They are not an outage, and are reported elsewhere. */
  readonly isThrottled?: (error: unknown) => boolean;
  /** Finds the cause of an error that does not name it. Called when an outage begins, and while it lasts. */
  readonly explain?: ((error: unknown) => Promise<unknown>) | undefined;
  readonly clock?: Clock;
}

/**
 * Decides whether one dependency, such as Temporal, is available, from the calls made to it: it is
 * unavailable once calls have failed for five seconds without a success, and available again at the next
 * success. An outage makes the program not ready and is logged (`OutageLog`).
 */
export class DependencyHealth {
  readonly #dependency: string;
  readonly #readiness: Conditions;
  readonly #isThrottled: (error: unknown) => boolean;
  readonly #explain: DependencyHealthOptions['explain'];
  readonly #clock: Clock;
  readonly #outageLog: OutageLog;
  readonly #stuckCalls: RateLimitedLog;
  /** From the first failure after the last success. */
  #failing: { readonly since: number; readonly cancelTimer: () => void } | undefined;
  #lastError: unknown;
  /** The latest explanation of this outage, and since when there has been none newer. */
  #cause: { readonly explained: unknown; readonly at: number } | undefined;
  #isExplaining = false;
  #isUnavailable = false;
  #cancelForgetting: (() => void) | undefined;
  /** Called when the outage ends. */
  readonly #waiting = new Set<() => void>();

  /** @param dependency the name of the readiness condition, also used in log lines */
  constructor(dependency: string, options: DependencyHealthOptions) {
    const { logger, readiness, isThrottled = () => false, clock = systemClock } = options;
    this.#dependency = dependency;
    this.#readiness = readiness;
    this.#isThrottled = isThrottled;
    this.#explain = options.explain;
    this.#clock = clock;
    this.#outageLog = new OutageLog(dependency, logger, clock);
    this.#stuckCalls = new RateLimitedLog(logger, {
      intervalMs: STUCK_CALL_LOG_INTERVAL_MS,
      clock,
    });
  }

  /**
   * A call has failed and will be retried.
   *
   * @param failingForMs how long this call has been failing, over all its attempts
   */
  callFailed(error: unknown, failingForMs = 0): void {
    if (this.#isThrottled(error)) return;
    this.#stopForgetting();
    this.#lastError = error;
    this.#failing ??= {
      since: this.#clock.now(),
      cancelTimer: this.#clock.after(UNAVAILABLE_AFTER_MS, () => {
        this.#isUnavailable = true;
        this.#reportOutage();
      }),
    };
    if (this.#isUnavailable) this.#reportOutage();
    else if (failingForMs >= STUCK_CALL_AFTER_MS) this.#logStuckCall(error, failingForMs);
  }

  callSucceeded(): void {
    if (!this.#failing) return;
    this.#stopForgetting();
    this.#outageLog.available();
    this.#reset();
  }

  /** No failing call is being retried any more, so whether the dependency is available is unknown. */
  callsAbandoned(): void {
    if (!this.#failing) return;
    // A rebalance abandons all calls. Those of the next batch soon show whether the outage lasts.
    if (this.#isUnavailable) {
      this.#cancelForgetting ??= this.#clock.after(FORGET_AFTER_MS, () => {
        this.#reset();
      });
    } else this.#reset();
  }

  /**
   * Waits while the dependency is unavailable, at most for so long.
   *
   * @param signal ends the wait, too
   */
  untilAvailable(limitMs: number, signal: AbortSignal): Promise<Availability> {
    if (!this.#isUnavailable) return Promise.resolve('available');
    if (signal.aborted) return Promise.resolve('aborted');
    return new Promise((resolve) => {
      const end = (availability: Availability) => {
        cancelLimit();
        signal.removeEventListener('abort', onAbort);
        this.#waiting.delete(onRecovery);
        resolve(availability);
      };
      const onRecovery = () => {
        end('recovered');
      };
      const onAbort = () => {
        end('aborted');
      };
      const cancelLimit = this.#clock.after(limitMs, () => {
        end('unavailable');
      });
      signal.addEventListener('abort', onAbort);
      this.#waiting.add(onRecovery);
    });
  }

  /** Reports the outage at once, but logs it only when its cause has been looked for. */
  #reportOutage(): void {
    const explain = this.#explain;
    if (!explain || this.#isExplained()) {
      this.#reportUnavailable();
      return;
    }
    this.#readiness.fail(
      this.#dependency,
      describeError(this.#cause?.explained ?? this.#lastError),
    );
    if (this.#isExplaining) return;
    this.#isExplaining = true;
    void explain(this.#lastError)
      .catch(() => this.#lastError)
      .then((explained) => {
        this.#isExplaining = false;
        if (!this.#isUnavailable) return;
        this.#cause = { explained, at: this.#clock.now() };
        this.#reportUnavailable();
      });
  }

  #isExplained(): boolean {
    return this.#cause !== undefined && this.#clock.now() - this.#cause.at < EXPLAIN_INTERVAL_MS;
  }

  #reportUnavailable(): void {
    const error = this.#cause?.explained ?? this.#lastError;
    this.#readiness.fail(this.#dependency, describeError(error));
    this.#outageLog.unavailable(errorFields(error), this.#failing?.since);
  }

  #logStuckCall(error: unknown, failingForMs: number): void {
    const dependency = this.#dependency;
    const seconds = Math.round(failingForMs / 1000);
    this.#stuckCalls.write(
      'warn',
      { event: 'dependency_call_stuck', dependency, seconds, ...errorFields(error) },
      `a call to ${dependency} keeps failing while others succeed; retrying`,
      'stuck call',
    );
  }

  #stopForgetting(): void {
    this.#cancelForgetting?.();
    this.#cancelForgetting = undefined;
  }

  #reset(): void {
    this.#failing?.cancelTimer();
    this.#failing = undefined;
    this.#outageLog.forget();
    this.#cause = undefined;
    if (!this.#isUnavailable) return;
    this.#isUnavailable = false;
    this.#readiness.clear(this.#dependency);
    for (const onRecovery of this.#waiting) onRecovery();
  }
}

/** How a wait for a dependency has ended; `available` if there was no outage to wait for. */
export type Availability = 'available' | 'recovered' | 'unavailable' | 'aborted';

const errorFields = (error: unknown) => ({
  error: describeError(error),
  ...(error instanceof OperatorError ? { code: error.code, remedy: error.fix } : {}),
});

const PROBE_INTERVAL_MS = 5000;
/** While the probe fails, so that the end of an outage is noticed soon. */
const PROBE_RETRY_INTERVAL_MS = 1000;

/**
 * Probes a dependency now and every five seconds, every second while it fails, for programs whose own
 * calls do not show whether it is available. Returns a function that stops it.
 *
 * @param probe returns undefined when it cannot be done now, which says nothing about the dependency
 */
export function probeDependency(
  probe: () => Promise<unknown> | undefined,
  health: DependencyHealth,
  clock: Clock = systemClock,
): () => void {
  let cancelNext: (() => void) | undefined;
  let isStopped = false;
  const probeOnce = async () => {
    let waitMs = PROBE_INTERVAL_MS;
    try {
      const answer = probe();
      if (answer) {
        await answer;
        health.callSucceeded();
      }
    } catch (error) {
      waitMs = PROBE_RETRY_INTERVAL_MS;
      if (!isStopped) health.callFailed(error);
    }
    if (!isStopped) cancelNext = clock.after(waitMs, () => void probeOnce());
  };
  void probeOnce();
  return () => {
    isStopped = true;
    cancelNext?.();
    health.callsAbandoned();
  };
}
