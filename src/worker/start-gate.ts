import { promiseWithResolvers } from '../program/promise-with-resolvers.ts';

/**
 * Keeps eager starts apart from what must not happen while one is in progress.
 *
 * For each eager start, and each time it repeats one, the SDK's core asks the slot supplier for a slot. While it
 * waits for that answer, which this thread gives, it holds a lock that replacing the connection and shutting down
 * the worker wait for, also on this thread: with a start in between, the process would hang forever (SDK 1.24.0,
 * `try_reserve_wft_slot` and `unregister_slot_provider` in core's client/src/worker.rs). The SDK's own shutdown,
 * after an error in its code for workflows, does not pass this gate.
 */
export class StartGate {
  readonly #starts = new Set<Promise<unknown>>();
  /** Resolves when starts may pass again; undefined while they may. */
  #closed: Promise<undefined> | undefined;

  /** Calls `start` once the gate is open. Settles as `start` does. */
  async pass<Result>(start: () => Promise<Result>): Promise<Result> {
    while (this.#closed) await this.#closed;
    const started = start();
    this.#starts.add(started);
    try {
      return await started;
    } finally {
      this.#starts.delete(started);
    }
  }

  /**
   * Lets no further start pass, waits until those in progress have ended, and then calls `work`. While Temporal is
   * unavailable, the SDK repeats a start for ten seconds and more, and this waits as long.
   */
  async whileClosed<Result>(work: () => Result): Promise<Result> {
    while (this.#closed) await this.#closed;
    const { promise, resolve } = promiseWithResolvers<undefined>();
    this.#closed = promise;
    try {
      await Promise.allSettled(this.#starts);
      return work();
    } finally {
      this.#closed = undefined;
      resolve(undefined);
    }
  }
}
