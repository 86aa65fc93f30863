/** Callers that wait for their turn, first come first served. */
export class FifoQueue {
  readonly #waiting = new Set<() => void>();

  /** Waits until woken. Rejects with the signal's reason when that is aborted first. */
  wait(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      const take = () => {
        this.#waiting.delete(take);
        signal.removeEventListener('abort', giveUp);
        resolve();
      };
      const giveUp = () => {
        this.#waiting.delete(take);
        reject(signal.reason as Error);
      };
      this.#waiting.add(take);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  /** Wakes so many of those who have waited longest. */
  wake(count = Infinity): void {
    let left = count;
    for (const take of this.#waiting) {
      if (left <= 0) return;
      left -= 1;
      take();
    }
  }
}
