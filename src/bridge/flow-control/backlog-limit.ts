import type { WorkflowRun } from '../../contract/ids.ts';
import { Semaphore } from './semaphore.ts';

/** What the limit asks Temporal. */
export interface OpenOrders {
  /** Resolves when the workflow has closed. */
  untilClosed(workflow: WorkflowRun, signal: AbortSignal): Promise<void>;
  /** How many orders are open (started and not closed), whoever has started them. */
  count(): Promise<number>;
}

export interface BacklogLimitOptions {
  /** Orders of this bridge that may be open at a time, not counting those that are stuck. */
  readonly window: number;
  /** Open orders in Temporal at which only one order at a time is tried. */
  readonly maxOpen: number;
  readonly openOrders: OpenOrders;
}

const TICK_MS = 1000;
/** Ticks without a closed order after which the open ones count as stuck. */
const FIRST_TICKS_UNTIL_STUCK = 10;
const MOST_TICKS_UNTIL_STUCK = 60;
/** Orders that are watched at a time, each by a long poll. */
const MAX_WATCHED = 16;

/**
 * Limits the orders that are open in Temporal: while the workers do not keep up, or Postgres is
 * unavailable, the backlog stays in Kafka, where it costs nothing. In Temporal each open order costs
 * retries, and a start is cheaper than the rest of an order, so that without a limit the starts would
 * take the server's time from the workers.
 *
 * **Flow.** At most `window` orders are open at a time. Temporal hands out tasks roughly in the order
 * of the starts, so a closed order stands for all that were started before it, and only one of every
 * half window is watched. While the window is full, a count of the open orders once a second shows
 * what else has closed.
 *
 * **Stuck orders.** When no order has closed for ten seconds, those that are open count as stuck, and
 * another window is opened beside them: orders that are retried indefinitely do not hold up the
 * others. Once a further window would exceed `maxOpen`, only one order at a time is started, as a
 * probe, at intervals of up to a minute. The first probe that closes, or any stuck order that does,
 * shows that orders are stored again: the window then doubles with each order that closes, as in
 * TCP's slow start.
 */
export class BacklogLimit {
  readonly #fullWindow: number;
  readonly #maxOpen: number;
  readonly #temporal: OpenOrders;
  /** A permit for each start in flight: as many as the window leaves free. */
  readonly #starts: Semaphore;
  /** Watched orders, the oldest first. */
  readonly #watched = new Set<AbortController>();
  #beginning: Promise<void> | undefined;
  #hasBegun = false;
  /** How many orders may be open, stuck ones aside. 1 while orders are probes, then doubled up to the full window. */
  #window: number;

  // The orders that this bridge has started are numbered from 1. Each of these is the number of an order.
  #started = 0;
  /** This order and all before it are closed or count as stuck. The ones after it fill the window. */
  #settled = 0;
  /** The last order that was watched. */
  #watchedUpTo = 0;
  /** The last order that began to count as stuck: a later one that closes is a probe that succeeded. */
  #stuckUpTo = 0;

  #latest: WorkflowRun | undefined;
  /** How many orders count as stuck, whoever has started them. */
  #stuck = 0;
  #ticksWithoutProgress = 0;
  /** After so many of them the open orders count as stuck. Doubles while probes get stuck, too. */
  #ticksUntilStuck = FIRST_TICKS_UNTIL_STUCK;
  #timer: NodeJS.Timeout | undefined;
  #isTicking = false;

  constructor({ window, maxOpen, openOrders }: BacklogLimitOptions) {
    this.#fullWindow = Math.min(window, maxOpen);
    this.#maxOpen = maxOpen;
    this.#temporal = openOrders;
    this.#window = this.#fullWindow;
    this.#starts = new Semaphore(this.#window);
  }

  /** Whether the next start has to wait. */
  get isFull(): boolean {
    return this.#starts.isFull;
  }

  /** Why new orders stay in Kafka; undefined while the window is open in full. */
  reason(): string | undefined {
    if (this.#window >= this.#fullWindow) return undefined;
    return `${this.#stuck} orders are open in Temporal and none of them closes; new orders stay in Kafka until some do. Check the workers and Postgres`;
  }

  /** Waits until an order may be started. Rejects with the signal's reason when that is aborted first. */
  acquire(signal: AbortSignal): Promise<void> {
    if (!this.#hasBegun)
      return (this.#beginning ??= this.#begin()).then(() => this.acquire(signal));
    if (this.isFull) this.#startTicking();
    return this.#starts.acquire(signal);
  }

  /** The order that was waited for is open: it takes room in the window until it closes. */
  started(workflow: WorkflowRun): void {
    this.#started += 1;
    this.#latest = workflow;
    this.#resize();
    if (this.#started - this.#watchedUpTo >= this.#window / 2) this.#watchLatest();
  }

  /** The start that was waited for is over, whether or not it has started a workflow. */
  release(): void {
    this.#starts.release();
  }

  dispose(): void {
    clearInterval(this.#timer);
    for (const watch of this.#watched) watch.abort();
  }

  #startTicking(): void {
    this.#timer ??= setInterval(() => void this.#tick(), TICK_MS);
  }

  /** How much of the window is used: orders that may be open and do not count as stuck. */
  get #open(): number {
    return this.#started - this.#settled;
  }

  /** Call it when the window or `#open` has changed. */
  #resize(): void {
    this.#starts.resize(this.#window - this.#open);
  }

  /** A bridge that starts during an outage must not open another window of orders. */
  async #begin(): Promise<void> {
    // If they cannot be counted, the bridge begins with a full window, and the ticks correct that.
    const count = await this.#temporal.count().catch(() => 0);
    if (count + this.#fullWindow > this.#maxOpen) this.#countAsStuck(count);
    this.#hasBegun = true;
  }

  /** Watches for the order that was started last to close. */
  #watchLatest(): void {
    const number = this.#started;
    if (!this.#latest || this.#watchedUpTo === number) return;
    this.#watchedUpTo = number;
    const watch = new AbortController();
    this.#watched.add(watch);
    const [oldest] = this.#watched;
    if (this.#watched.size > MAX_WATCHED) oldest?.abort();
    this.#temporal
      .untilClosed(this.#latest, watch.signal)
      .then(() => {
        this.#closed(number);
      })
      // An order that cannot be watched shows nothing; the count of open orders still does.
      .catch(() => undefined)
      .finally(() => this.#watched.delete(watch));
  }

  #closed(number: number): void {
    if (number > this.#stuckUpTo) this.#window = Math.min(this.#fullWindow, this.#window * 2);
    this.#settleUpTo(Math.max(this.#settled, number));
  }

  async #tick(): Promise<void> {
    if (!this.isFull && this.reason() === undefined) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    if (this.#isTicking) return;
    this.#isTicking = true;
    // A newer order may close although the one that is watched is stuck.
    this.#watchLatest();
    const count = await this.#temporal.count().catch(() => undefined);
    this.#isTicking = false;
    if (this.isFull) this.#ticksWithoutProgress += 1;
    if (count !== undefined) this.#useCount(count);
    if (this.#ticksWithoutProgress >= this.#ticksUntilStuck)
      this.#countAsStuck(count ?? this.#stuck + this.#open);
  }

  /** Finds out from the number of open orders whether some have closed, stuck ones included. */
  #useCount(count: number): void {
    this.#stuck = Math.min(this.#stuck, count);
    // Also when no order of this bridge is open that could show it by closing.
    if (count + this.#fullWindow <= this.#maxOpen) this.#window = this.#fullWindow;
    const settled = this.#started - (count - this.#stuck);
    if (settled > this.#settled) this.#settleUpTo(settled);
    else this.#resize();
  }

  #settleUpTo(settled: number): void {
    this.#settled = settled;
    this.#ticksWithoutProgress = 0;
    this.#ticksUntilStuck = FIRST_TICKS_UNTIL_STUCK;
    this.#resize();
  }

  /** Counts all open orders as stuck. */
  #countAsStuck(open: number): void {
    this.#stuck = open;
    this.#settled = this.#started;
    this.#stuckUpTo = this.#started;
    this.#ticksWithoutProgress = 0;
    if (open + this.#fullWindow <= this.#maxOpen) {
      this.#window = this.#fullWindow;
    } else {
      if (this.#window === 1) {
        this.#ticksUntilStuck = Math.min(MOST_TICKS_UNTIL_STUCK, this.#ticksUntilStuck * 2);
      }
      this.#window = 1;
      this.#startTicking();
    }
    this.#resize();
  }
}
