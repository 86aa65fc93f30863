import { setTimeout as delay } from 'node:timers/promises';

/** After a pause, such as an outage, no more is submitted at once than in this time. */
const CATCH_UP_MS = 1000;

export interface RateLimitOptions {
  /** Infinity for no limit. */
  readonly perSecond: number;
  readonly signal: AbortSignal;
  readonly now?: () => number;
  /** Resolves after so many milliseconds, or when the signal is aborted. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Spreads what a command submits evenly over time. */
export class RateLimit {
  readonly #intervalMs: number;
  readonly #signal: AbortSignal;
  readonly #now: () => number;
  readonly #wait: (ms: number, signal: AbortSignal) => Promise<void>;
  /** When the next one may be submitted. */
  #nextAt: number | undefined;

  constructor({ perSecond, signal, now = Date.now, wait = waitUntilAborted }: RateLimitOptions) {
    this.#intervalMs = 1000 / perSecond;
    this.#signal = signal;
    this.#now = now;
    this.#wait = wait;
  }

  /** Waits until so many more may be submitted at once, or until the signal is aborted. */
  async pass(count = 1): Promise<void> {
    if (this.#intervalMs === 0) return;
    const now = this.#now();
    const at = Math.max(this.#nextAt ?? now, now - CATCH_UP_MS);
    this.#nextAt = at + count * this.#intervalMs;
    if (at > now) await this.#wait(at - now, this.#signal);
  }
}

const waitUntilAborted = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined);
