import { FifoQueue } from './fifo-queue.ts';

/**
 * How many calls to Temporal may be under way at once, found by additive increase and multiplicative
 * decrease, as TCP finds its window: a call that is throttled halves the limit, and as many successes
 * as the limit raise it by one, up to `max`.
 *
 * Throttled calls that were under way together say one thing, not many: after a decrease those that
 * began before it no longer count.
 */
export class AdaptiveConcurrencyLimit {
  readonly #max: number;
  readonly #isThrottled: (error: unknown) => boolean;
  readonly #onThrottled: () => void;
  #limit: number;
  #inUse = 0;
  /** Counts the decreases: a call belongs to the one after which it began. */
  #decreases = 0;
  readonly #line = new FifoQueue();

  /** @param onThrottled told of each decrease, after it */
  constructor(
    max: number,
    isThrottled: (error: unknown) => boolean,
    onThrottled: () => void = () => undefined,
  ) {
    this.#max = max;
    this.#limit = max;
    this.#isThrottled = isThrottled;
    this.#onThrottled = onThrottled;
  }

  get current(): number {
    return Math.floor(this.#limit);
  }

  get inUse(): number {
    return this.#inUse;
  }

  /** Runs the call when its turn comes. Throws what the call throws, or the signal's reason. */
  async run<Result>(call: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
    while (this.#inUse >= this.current) await this.#line.wait(signal);
    signal.throwIfAborted();
    this.#inUse += 1;
    const begunAfter = this.#decreases;
    try {
      const result = await call();
      this.#increase();
      return result;
    } catch (error) {
      if (this.#isThrottled(error) && begunAfter === this.#decreases) this.#decrease();
      throw error;
    } finally {
      this.#inUse -= 1;
      this.#line.wake(this.current - this.#inUse);
    }
  }

  #increase(): void {
    // Only a limit that is made use of has been shown to be too low.
    if (this.#inUse >= this.current) {
      this.#limit = Math.min(this.#max, this.#limit + 1 / this.#limit);
    }
  }

  #decrease(): void {
    this.#decreases += 1;
    this.#limit = Math.max(1, this.#limit / 2);
    this.#onThrottled();
  }
}
