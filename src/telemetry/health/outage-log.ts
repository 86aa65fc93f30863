import { systemClock, type Clock } from '../../program/clock.ts';
import type { Logger } from '../logger.ts';
import { RateLimitedLog } from '../rate-limited-log.ts';

const INTERVAL_MS = 30_000;

/**
 * Logs an outage of a dependency when it begins, every 30 seconds while it lasts, and when it ends. An
 * outage that begins within 30 seconds of such a line is logged only if it lasts longer than that.
 */
export class OutageLog {
  readonly #dependency: string;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #unavailable: RateLimitedLog;
  #since: number | undefined;
  #isLogged = false;

  constructor(dependency: string, logger: Logger, clock: Clock = systemClock) {
    this.#dependency = dependency;
    this.#logger = logger;
    this.#clock = clock;
    this.#unavailable = new RateLimitedLog(logger, { intervalMs: INTERVAL_MS, clock });
  }

  /**
   * Call it whenever something has failed during an outage.
   *
   * @param since when the outage began, if not with this call
   */
  unavailable(reason: object, since = this.#clock.now()): void {
    this.#since ??= since;
    const dependency = this.#dependency;
    const isLogged = this.#unavailable.write(
      'warn',
      { event: 'dependency_unavailable', dependency, ...reason },
      `${dependency} is unavailable; retrying`,
      'unavailable',
    );
    this.#isLogged ||= isLogged;
  }

  /** The outage, if there was one, has ended. */
  available(): void {
    const since = this.#since;
    const wasLogged = this.#isLogged;
    this.forget();
    if (since === undefined || !wasLogged) return;
    const dependency = this.#dependency;
    const seconds = Math.round((this.#clock.now() - since) / 1000);
    this.#logger.info(
      { event: 'dependency_available', dependency, seconds },
      `${dependency} is available again`,
    );
  }

  /** Whether the outage lasts is unknown. Its end is not logged. */
  forget(): void {
    this.#since = undefined;
    this.#isLogged = false;
  }
}
