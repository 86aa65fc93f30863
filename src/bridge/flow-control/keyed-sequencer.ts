import { Semaphore } from '../../program/semaphore.ts';

/**
 * Lets callers with the same key proceed one at a time, in the order in which they asked, and callers
 * with different keys side by side. Two messages of one order thus reach Temporal in the order of the
 * topic, so that the later one is the duplicate.
 */
export class KeyedSequencer {
  readonly #turns = new Map<string, Semaphore>();

  /** Waits for the key's turn; call `release` afterwards. Rejects with the signal's reason when that is aborted first. */
  acquire(key: string, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.reject(signal.reason as Error);
    let turn = this.#turns.get(key);
    if (!turn) {
      turn = new Semaphore(1);
      this.#turns.set(key, turn);
    }
    return turn.acquire(signal);
  }

  /** Lets the next caller with this key proceed. */
  release(key: string): void {
    const turn = this.#turns.get(key);
    turn?.release();
    if (turn?.inUse === 0) this.#turns.delete(key);
  }

  /** How many keys are in use: what the sequencer keeps in memory. */
  get size(): number {
    return this.#turns.size;
  }
}
