import type { WorkflowRun } from '../../contract/ids.ts';
import type { Priority } from '../../contract/priority.ts';

/** Orders that Temporal hands to the workers from now on. */
export interface DueOrders {
  /** The one that was started last. */
  readonly workflow: WorkflowRun;
  readonly count: number;
  readonly priority: Priority;
  /** Whether their first tasks did not wait in the task queue. */
  readonly isEager: boolean;
  readonly fairnessKey: string | undefined;
  readonly fairnessWeight: number | undefined;
}

/** The shortest time that orders are counted together. */
const MIN_SLOT_MS = 1000;
/** A longer delay has longer slots, about so many of them, which bounds the memory whatever the delay is. */
const SLOTS_PER_DELAY = 64;
/** A timer of Node fires at once if it is set for longer. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Counts the orders that wait for their start delay, and passes them on once it has ended. It keeps one entry
 * for all orders of a priority whose delay ends in the same slot of time, not one per order, so that its memory
 * does not depend on how many orders wait.
 */
export class DelayedOrders {
  readonly #onDue: (due: DueOrders) => void;
  readonly #slots = new Map<string, { due: DueOrders; timer?: NodeJS.Timeout }>();

  constructor(onDue: (due: DueOrders) => void) {
    this.#onDue = onDue;
  }

  add(order: DueOrders, delayMs: number): void {
    const slotMs = slotFor(delayMs);
    const dueAt = Math.ceil((Date.now() + delayMs) / slotMs) * slotMs;
    const name = `${dueAt}/${order.priority}`;
    const slot = this.#slots.get(name);
    if (slot) {
      slot.due = { ...order, count: slot.due.count + order.count };
      return;
    }
    this.#slots.set(name, { due: order });
    this.#wait(name, dueAt);
  }

  dispose(): void {
    for (const { timer } of this.#slots.values()) clearTimeout(timer);
    this.#slots.clear();
  }

  #wait(name: string, dueAt: number): void {
    const slot = this.#slots.get(name);
    if (!slot) return;
    const waitMs = dueAt - Date.now();
    if (waitMs > 0) {
      slot.timer = setTimeout(
        () => {
          this.#wait(name, dueAt);
        },
        Math.min(waitMs, MAX_TIMER_MS),
      );
      return;
    }
    this.#slots.delete(name);
    this.#onDue(slot.due);
  }
}

/** Powers of two, so that delays of about the same length share their slots. */
const slotFor = (delayMs: number): number =>
  Math.max(MIN_SLOT_MS, 2 ** Math.floor(Math.log2(delayMs / SLOTS_PER_DELAY)));
