import type { CustomSlotSupplier, SlotPermit, WorkflowSlotInfo } from '@temporalio/worker';
import { Semaphore } from '../program/semaphore.ts';

/**
 * The workflow task slots of a worker in whose process workflows are started eagerly. Some are for these, the others
 * for tasks that the worker polls: its pollers occupy a slot while they wait, so they would leave none free.
 *
 * A start claims a slot first and so waits until there is one. A workflow whose start finds no slot goes to the task
 * queue, where it costs more.
 */
export class EagerSlots {
  /** How many are for polled tasks. */
  readonly polled: number;
  readonly #eager: number;
  #current: WorkerSlots;

  /**
   * @param total at least 2; a quarter of them, and at least 3, are for polled tasks: pollers of the sticky queue may
   *   occupy two, see `workflowTaskPollers`
   */
  constructor(total: number) {
    this.polled = Math.max(3, Math.floor(total / 4));
    this.#eager = Math.max(1, total - this.polled);
    this.#current = this.#create();
  }

  /** The slots of a new worker. One that has failed may never return those that it has. */
  forNewWorker(): CustomSlotSupplier<WorkflowSlotInfo> {
    this.#current = this.#create();
    return this.#current;
  }

  /**
   * Waits for a free slot. The next start over the connection of the worker gets it. Returns a function to call
   * when that start has been answered. Rejects with the signal's reason when it is aborted first.
   */
  async claim(signal: AbortSignal): Promise<() => void> {
    const slots = this.#current;
    await slots.claim(signal);
    return () => {
      slots.startAnswered();
    };
  }

  #create(): WorkerSlots {
    return new WorkerSlots(this.#eager, this.polled);
  }
}

const EAGER: SlotPermit = { kind: 'eager' };
const POLLED: SlotPermit = { kind: 'polled' };

class WorkerSlots implements CustomSlotSupplier<WorkflowSlotInfo> {
  readonly type = 'custom';
  readonly #eager: Semaphore;
  readonly #polled: Semaphore;
  /** Starts that have claimed a slot and have no answer yet. */
  #starting = 0;
  /** How many of these slots the SDK has not asked for yet. It asks once per start that it sends. */
  #unclaimed = 0;

  constructor(eager: number, polled: number) {
    this.#eager = new Semaphore(eager);
    this.#polled = new Semaphore(polled);
  }

  async claim(signal: AbortSignal): Promise<void> {
    await this.#eager.acquire(signal);
    this.#starting += 1;
    this.#unclaimed += 1;
  }

  startAnswered(): void {
    this.#starting -= 1;
    // The SDK has not asked, because its worker is shutting down.
    if (this.#unclaimed <= this.#starting) return;
    this.#unclaimed -= 1;
    this.#eager.release();
  }

  /** The SDK sends a start. */
  tryReserveSlot(): SlotPermit | null {
    if (this.#unclaimed === 0) return null;
    this.#unclaimed -= 1;
    return EAGER;
  }

  /** The SDK polls. */
  async reserveSlot(_context: unknown, signal: AbortSignal): Promise<SlotPermit> {
    await this.#polled.acquire(signal);
    return POLLED;
  }

  markSlotUsed(): void {
    // Nothing depends on it.
  }

  /** The task has ended, or there was none. */
  releaseSlot({ permit }: { readonly permit: SlotPermit }): void {
    (permit === EAGER ? this.#eager : this.#polled).release();
  }
}
