import { once, setMaxListeners } from 'node:events';
import type { Logger } from '../../telemetry/logger.ts';

export interface CircuitBreakerOptions {
  /** Percentage of dead letters among the recent messages above which it opens; 100 disables it. */
  readonly maxPercent: number;
  /** How many messages are recent. It never opens before it has seen that many. */
  readonly window: number;
  readonly pauseMs: number;
  readonly logger: Logger;
}

/**
 * Stops the bridge when too many of the recent messages are dead letters: a producer has probably
 * changed its format, and a million dead letters would be of no use.
 *
 * - **closed**: messages pass, and the outcomes of the recent ones are counted;
 * - **open**: no message passes, for `pauseMs` or until `close()`, which also discards the outcomes.
 */
export class CircuitBreaker {
  readonly #options: CircuitBreakerOptions;
  /** Ring buffer: whether each of the last `window` messages is a dead letter. */
  #recent: boolean[] = [];
  #next = 0;
  #deadLetters = 0;
  /** While open; aborted when the breaker closes. */
  #closing: AbortController | undefined;
  #reason: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CircuitBreakerOptions) {
    this.#options = options;
  }

  /** Counts an outcome. While open it counts none: those messages began before it opened. */
  record(isDeadLetter: boolean): void {
    if (this.#closing) return;
    const { maxPercent, window } = this.#options;
    this.#deadLetters += Number(isDeadLetter) - Number(this.#recent[this.#next] ?? false);
    this.#recent[this.#next] = isDeadLetter;
    this.#next = (this.#next + 1) % window;
    if (this.#recent.length === window && this.#deadLetters * 100 > maxPercent * window) {
      this.#open();
    }
  }

  /** Resolves when messages may pass, or when the signal is aborted. */
  async pass(signal: AbortSignal): Promise<void> {
    while (this.#closing && !signal.aborted) {
      await once(this.#closing.signal, 'abort', { signal }).catch(() => undefined);
    }
  }

  /** Why no message passes; undefined while closed. */
  reason(): string | undefined {
    return this.#reason;
  }

  /** Closes it before the pause is over. Has no effect while closed. */
  close(): void {
    if (!this.#closing) return;
    clearTimeout(this.#timer);
    this.#reason = undefined;
    this.#recent = [];
    this.#next = 0;
    this.#deadLetters = 0;
    this.#options.logger.info(
      { event: 'circuit_breaker_closed' },
      'circuit breaker closed: the bridge consumes again',
    );
    this.#closing.abort();
    this.#closing = undefined;
  }

  /** Stops its timer. */
  dispose(): void {
    clearTimeout(this.#timer);
  }

  #open(): void {
    const { window, pauseMs, logger } = this.#options;
    const deadLetters = this.#deadLetters;
    this.#closing = new AbortController();
    // Each batch may listen.
    setMaxListeners(0, this.#closing.signal);
    this.#timer = setTimeout(() => {
      this.close();
    }, pauseMs);
    this.#reason = `${deadLetters} of the last ${window} messages are dead letters: consumption is paused for ${Math.round(pauseMs / 1000)} s, or until POST /resume. Has a producer changed its format?`;
    logger.error({ event: 'circuit_breaker_open', deadLetters, window, pauseMs }, this.#reason);
  }
}
