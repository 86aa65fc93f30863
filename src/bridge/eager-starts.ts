import { status } from '@grpc/grpc-js';
import { systemClock, type Clock } from '../program/clock.ts';
import { hasCode } from '../temporal/temporal-error.ts';
import type { Request } from './start-request.ts';

/** A worker in this process. */
export interface EagerWorker {
  /**
   * Waits for a slot of the worker in which it can run the first task of a workflow. Returns a function to call after
   * the start. Rejects when the signal is aborted first.
   */
  claimSlot(signal: AbortSignal): Promise<() => void>;
  /**
   * Starts a workflow. With a slot, the answer contains its first task, and the worker begins with it at once;
   * otherwise the task waits in the queue as usual.
   *
   * @param timeoutMs deadline of each attempt: the SDK repeats a call that fails, for ten seconds and more
   */
  startEagerly(request: Request, timeoutMs: number): Promise<EagerlyStarted>;
}

export interface EagerlyStarted {
  readonly runId: string;
  /** Whether the answer contained the first task. */
  readonly isEager: boolean;
}

export interface EagerStartsOptions {
  /** The worker of this process; undefined while a worker that has failed is being replaced. */
  readonly worker: () => EagerWorker | undefined;
  /** How long to wait for an answer. */
  readonly timeoutMs: number;
  readonly clock?: Clock;
}

/**
 * What became of a start: the worker got the first task with the answer (`eager`), there was none in the answer
 * (`no_task`), or the bridge used its own connection, because the worker had no free slot in time (`no_slot`) or is
 * being replaced or left without answers (`no_worker`).
 */
export type EagerOutcome = 'eager' | 'no_task' | 'no_slot' | 'no_worker';

/** Whether Temporal has answered that it does not start this workflow. */
export const isRejection = (error: unknown): boolean =>
  hasCode(error, status.ALREADY_EXISTS) || hasCode(error, status.INVALID_ARGUMENT);

/** How long a start waits for a slot before it goes through the task queue. Normally one is free much sooner. */
const SLOT_WAIT_MS = 5000;
/** How long to start workflows as a bridge by itself does, after Temporal did not answer the worker. */
const PAUSE_MS = 10_000;

/**
 * Starts workflows through the worker of this process, so that their first task does not pass through a task queue.
 *
 * The connection of a worker repeats a failed call by itself, so an outage, or Temporal asking for fewer calls, shows
 * only as a missing answer. The first call without an answer, or with another error than one about the order,
 * therefore makes further starts take the connection of the bridge for ten seconds. Its errors say what is wrong. A
 * start that is repeated there has the same request ID.
 */
export class EagerStarts {
  /** How many starts there were, by what became of them. */
  readonly counts: Record<EagerOutcome, number> = {
    eager: 0,
    no_task: 0,
    no_slot: 0,
    no_worker: 0,
  };
  readonly #options: EagerStartsOptions;
  readonly #clock: Clock;
  #pausedUntil = 0;

  constructor(options: EagerStartsOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  /**
   * Waits for a slot, and returns what starts a workflow with it. Undefined if the workflow is to be started over the
   * connection of the bridge. Rejects with the signal's reason when that is aborted first.
   */
  async withSlot(
    signal: AbortSignal,
  ): Promise<((request: Request) => Promise<EagerlyStarted>) | undefined> {
    const worker = this.#clock.now() < this.#pausedUntil ? undefined : this.#options.worker();
    if (!worker) {
      this.counts.no_worker += 1;
      return undefined;
    }
    const wait = new AbortController();
    const giveUp = () => {
      wait.abort();
    };
    const cancel = this.#clock.after(SLOT_WAIT_MS, giveUp);
    signal.addEventListener('abort', giveUp);
    try {
      const started = await worker.claimSlot(wait.signal);
      return (request) => this.#start(worker, request).finally(started);
    } catch {
      signal.throwIfAborted();
      this.counts.no_slot += 1;
      return undefined;
    } finally {
      cancel();
      signal.removeEventListener('abort', giveUp);
    }
  }

  async #start(worker: EagerWorker, request: Request): Promise<EagerlyStarted> {
    const { timeoutMs } = this.#options;
    try {
      const started = await this.#within(timeoutMs, worker.startEagerly(request, timeoutMs));
      this.counts[started.isEager ? 'eager' : 'no_task'] += 1;
      return started;
    } catch (error) {
      if (!isRejection(error)) this.#pausedUntil = this.#clock.now() + PAUSE_MS;
      throw error;
    }
  }

  async #within<Answer>(limitMs: number, call: Promise<Answer>): Promise<Answer> {
    let cancel: () => void = () => undefined;
    const limit = new Promise<never>((_resolve, reject) => {
      cancel = this.#clock.after(limitMs, () => {
        reject(new Error(`Temporal did not answer the worker within ${limitMs} ms`));
      });
    });
    try {
      return await Promise.race([call, limit]);
    } finally {
      cancel();
      // It may fail later, when nothing waits for it any more.
      call.catch(() => undefined);
    }
  }
}
