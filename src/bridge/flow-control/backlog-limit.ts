import { Semaphore } from './semaphore.ts';

export interface StartedWorkflow {
  readonly workflowId: string;
  readonly runId: string;
}

/** What the limit asks Temporal. */
export interface OpenOrders {
  /** Resolves when the workflow has closed. */
  untilClosed(workflow: StartedWorkflow, signal: AbortSignal): Promise<void>;
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
const FIRST_PATIENCE_TICKS = 10;
const LONGEST_PATIENCE_TICKS = 60;
/** Orders that are watched at a time, each by a long poll. */
const MAX_SAMPLES = 16;

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
  readonly #openOrders: OpenOrders;
  /** A permit for each start in flight: as many as the window leaves free. */
  readonly #starts: Semaphore;
  /** Watched orders, the oldest first. */
  readonly #samples = new Set<AbortController>();
  #begun: Promise<void> | undefined;
  #hasBegun = false;
  #window: number;
  #started = 0;
  #latest: StartedWorkflow | undefined;
  /** Of the started orders, how many are closed or count as stuck. */
  #settled = 0;
  /** `#started` when an order was last watched. */
  #sampled = 0;
  #stuck = 0;
  /** `#started` when the open orders last began to count as stuck. */
  #stalledAt = 0;
  #patienceTicks = FIRST_PATIENCE_TICKS;
  #idleTicks = 0;
  #timer: NodeJS.Timeout | undefined;
  #isTicking = false;

  constructor({ window, maxOpen, openOrders }: BacklogLimitOptions) {
    this.#fullWindow = Math.min(window, maxOpen);
    this.#maxOpen = maxOpen;
    this.#openOrders = openOrders;
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
    if (!this.#hasBegun) return (this.#begun ??= this.#begin()).then(() => this.acquire(signal));
    if (this.isFull) this.#startTicking();
    return this.#starts.acquire(signal);
  }

  /** The order that was waited for is open: it takes room in the window until it closes. */
  started(workflow: StartedWorkflow): void {
    this.#started += 1;
    this.#latest = workflow;
    this.#resize();
    if (this.#started - this.#sampled >= this.#window / 2) this.#sampleLatest();
  }

  /** The start that was waited for is over, whether or not it has started a workflow. */
  release(): void {
    this.#starts.release();
  }

  dispose(): void {
    clearInterval(this.#timer);
    for (const sample of this.#samples) sample.abort();
  }

  #startTicking(): void {
    this.#timer ??= setInterval(() => void this.#tick(), TICK_MS);
  }

  /** Orders of this bridge that may be open and do not count as stuck. */
  get #young(): number {
    return this.#started - this.#settled;
  }

  /** Call it when the window or `#young` has changed. */
  #resize(): void {
    this.#starts.resize(this.#window - this.#young);
  }

  /** A bridge that starts during an outage must not open another window of orders. */
  async #begin(): Promise<void> {
    // If they cannot be counted, the bridge begins with a full window, and the ticks correct that.
    const count = await this.#openOrders.count().catch(() => 0);
    if (count + this.#fullWindow > this.#maxOpen) this.#stall(count);
    this.#hasBegun = true;
  }

  /** Watches for the order that was started last to close. */
  #sampleLatest(): void {
    const number = this.#started;
    if (!this.#latest || this.#sampled === number) return;
    this.#sampled = number;
    const sample = new AbortController();
    this.#samples.add(sample);
    const [oldest] = this.#samples;
    if (this.#samples.size > MAX_SAMPLES) oldest?.abort();
    this.#openOrders
      .untilClosed(this.#latest, sample.signal)
      .then(() => {
        this.#closed(number);
      })
      // An order that cannot be watched shows nothing; the count of open orders still does.
      .catch(() => undefined)
      .finally(() => this.#samples.delete(sample));
  }

  #closed(number: number): void {
    if (number > this.#stalledAt) this.#window = Math.min(this.#fullWindow, this.#window * 2);
    this.#progressTo(Math.max(this.#settled, number));
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
    this.#sampleLatest();
    const count = await this.#openOrders.count().catch(() => undefined);
    this.#isTicking = false;
    if (this.isFull) this.#idleTicks += 1;
    if (count !== undefined) this.#compare(count);
    if (this.#idleTicks >= this.#patienceTicks) this.#stall(count ?? this.#stuck + this.#young);
  }

  /** Finds out from the number of open orders whether some have closed, stuck ones included. */
  #compare(count: number): void {
    this.#stuck = Math.min(this.#stuck, count);
    // Also when no order of this bridge is open that could show it by closing.
    if (count + this.#fullWindow <= this.#maxOpen) this.#window = this.#fullWindow;
    const settled = this.#started - (count - this.#stuck);
    if (settled > this.#settled) this.#progressTo(settled);
    else this.#resize();
  }

  #progressTo(settled: number): void {
    this.#settled = settled;
    this.#idleTicks = 0;
    this.#patienceTicks = FIRST_PATIENCE_TICKS;
    this.#resize();
  }

  /** Counts all open orders as stuck. */
  #stall(open: number): void {
    this.#stuck = open;
    this.#settled = this.#started;
    this.#stalledAt = this.#started;
    this.#idleTicks = 0;
    if (open + this.#fullWindow <= this.#maxOpen) {
      this.#window = this.#fullWindow;
    } else {
      if (this.#window === 1) {
        this.#patienceTicks = Math.min(LONGEST_PATIENCE_TICKS, this.#patienceTicks * 2);
      }
      this.#window = 1;
      this.#startTicking();
    }
    this.#resize();
  }
}
