import type { Logger } from '../../telemetry/logger.ts';
import { Semaphore } from '../../program/semaphore.ts';

export interface AdaptiveConcurrencyLimitOptions {
  /** Upper bound of the limit, where it starts. */
  readonly max: number;
  readonly isThrottled: (error: unknown) => boolean;
  readonly logger: Logger;
}

const LOG_INTERVAL_MS = 30_000;

/**
 * How many calls to Temporal may be in flight at once, found by additive increase and multiplicative
 * decrease, as TCP finds its congestion window: a call that is throttled halves the limit, and as many
 * successful calls as the limit raise it by one, up to `max`.
 *
 * Calls that are in flight together are throttled for the same reason, which counts once: after a
 * decrease, calls that began before it no longer lower the limit.
 */
export class AdaptiveConcurrencyLimit {
  readonly #options: AdaptiveConcurrencyLimitOptions;
  readonly #semaphore: Semaphore;
  #limit: number;
  #decreases = 0;
  #decreasedAt = Number.NEGATIVE_INFINITY;
  #loggedAt = Number.NEGATIVE_INFINITY;

  constructor(options: AdaptiveConcurrencyLimitOptions) {
    this.#options = options;
    this.#limit = options.max;
    this.#semaphore = new Semaphore(options.max);
  }

  /** The limit now, at least 1. */
  get current(): number {
    return Math.floor(this.#limit);
  }

  /** Calls in flight. */
  get inUse(): number {
    return this.#semaphore.inUse;
  }

  /** How often throttling has halved the limit. */
  get decreases(): number {
    return this.#decreases;
  }

  /** When throttling last halved the limit, in milliseconds since 1970; -Infinity if it never has. */
  get decreasedAt(): number {
    return this.#decreasedAt;
  }

  /** Runs the call when its turn comes. Throws what the call throws, or the signal's reason. */
  async run<Result>(call: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    await this.#semaphore.acquire(signal);
    const decreasesBefore = this.#decreases;
    try {
      const result = await call();
      this.#increase();
      return result;
    } catch (error) {
      if (this.#options.isThrottled(error) && decreasesBefore === this.#decreases) this.#decrease();
      throw error;
    } finally {
      this.#semaphore.release();
    }
  }

  #increase(): void {
    // While calls use less than the limit, their success does not show that more would succeed.
    if (!this.#semaphore.isFull) return;
    this.#limit = Math.min(this.#options.max, this.#limit + 1 / this.#limit);
    this.#semaphore.resize(this.current);
  }

  #decrease(): void {
    this.#decreases += 1;
    this.#decreasedAt = Date.now();
    this.#limit = Math.max(1, this.#limit / 2);
    this.#semaphore.resize(this.current);
    if (this.#decreasedAt - this.#loggedAt < LOG_INTERVAL_MS) return;
    this.#loggedAt = this.#decreasedAt;
    this.#options.logger.warn(
      { event: 'starts_throttled', limit: this.current },
      'Temporal throttles starts; sending fewer at once',
    );
  }
}
