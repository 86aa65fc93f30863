/** One for all: a free permit costs every message of the bridge a few of these calls. */
const GRANTED = Promise.resolve();

/**
 * A counting semaphore whose limit can change. Callers that wait are served first come, first served,
 * and stop waiting when their signal is aborted. (`async-mutex` and `p-limit` have no such signal.)
 */
export class Semaphore {
  #limit: number;
  #inUse = 0;
  readonly #waiting = new Set<() => void>();

  /** @param limit how many callers may hold a permit at once */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many permits are held. */
  get inUse(): number {
    return this.#inUse;
  }

  /** Whether the next caller has to wait. */
  get isFull(): boolean {
    return this.#inUse >= this.#limit;
  }

  /** Takes a permit; call `release` afterwards. Rejects with the signal's reason when that is aborted first. */
  acquire(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (!this.isFull) {
      this.#inUse += 1;
      return GRANTED;
    }
    return new Promise<void>((resolve, reject) => {
      const grant = () => {
        this.#waiting.delete(grant);
        signal?.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#waiting.delete(grant);
        reject(signal?.reason as Error);
      };
      this.#waiting.add(grant);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Returns a permit; the caller that has waited longest gets it. */
  release(): void {
    this.#inUse -= 1;
    this.#grantFree();
  }

  /** Changes the limit. Permits above a lower one stay valid until they are released. */
  resize(limit: number): void {
    this.#limit = limit;
    this.#grantFree();
  }

  #grantFree(): void {
    for (const grant of this.#waiting) {
      if (this.isFull) return;
      this.#inUse += 1;
      grant();
    }
  }
}
