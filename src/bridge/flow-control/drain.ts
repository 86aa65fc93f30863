import { setMaxListeners } from 'node:events';

export interface DrainOptions {
  /** Aborted when the partition is no longer ours: everything is abandoned at once. */
  readonly revoked: AbortSignal;
  /** Aborted when the bridge shuts down. */
  readonly stopping: AbortSignal;
  /** How long messages in flight may take once draining has begun. */
  readonly graceMs: number;
}

/**
 * How a batch ends before all of its messages are finished: it drains, so that no further message
 * starts, and when `graceMs` have passed, or at once for a revoked partition, it abandons the messages
 * in flight.
 *
 * It does not use `AbortSignal.any`: on Node 20 a derived signal that has had a listener is kept for as
 * long as its source, which for the shutdown signal is the life of the process.
 */
export class Drain {
  readonly #options: DrainOptions;
  readonly #draining = new AbortController();
  readonly #abandoned = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: DrainOptions) {
    this.#options = options;
    // Each message in flight may listen.
    setMaxListeners(0, this.#draining.signal, this.#abandoned.signal);
    const { revoked, stopping } = options;
    if (revoked.aborted) this.#abandon();
    else revoked.addEventListener('abort', this.#abandon);
    if (stopping.aborted) this.begin();
    else stopping.addEventListener('abort', this.begin);
  }

  /** Aborted when no further message may start. */
  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  /** Aborted when the messages in flight are abandoned. */
  get abandoned(): AbortSignal {
    return this.#abandoned.signal;
  }

  /** Begins draining. Has no effect when it has begun. */
  readonly begin = (): void => {
    if (this.#draining.signal.aborted) return;
    this.#draining.abort();
    this.#timer = setTimeout(() => {
      this.#abandoned.abort();
    }, this.#options.graceMs);
  };

  readonly #abandon = (): void => {
    this.#draining.abort();
    this.#abandoned.abort(this.#options.revoked.reason);
  };

  dispose(): void {
    const { revoked, stopping } = this.#options;
    revoked.removeEventListener('abort', this.#abandon);
    stopping.removeEventListener('abort', this.begin);
    clearTimeout(this.#timer);
  }
}
