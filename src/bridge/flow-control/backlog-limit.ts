import { FifoQueue } from './fifo-queue.ts';
import type { StartOutcome } from '../workflow-starter.ts';

export interface StartedWorkflow {
  readonly workflowId: string;
  readonly runId: string;
}

/** What the limit asks of Temporal. */
export interface OpenOrders {
  /** Resolves when the workflow has closed. */
  untilClosed(workflow: StartedWorkflow, signal: AbortSignal): Promise<void>;
  /** How many orders are open (started and not closed), whoever has started them. */
  count(): Promise<number>;
}

export interface BacklogLimitOptions {
  /** Orders of this bridge that may be open at a time, those that are stuck left out. */
  readonly window: number;
  /** Open orders in Temporal at which only one order at a time is tried. */
  readonly maxOpen: number;
  readonly openOrders: OpenOrders;
}

const TICK_MS = 1000;
/** Ticks without an order closed after which the open ones count as stuck. */
const FIRST_PATIENCE_TICKS = 10;
const LONGEST_PATIENCE_TICKS = 60;
/** Long polls for the end of an order at a time. */
const MAX_SAMPLES = 16;

/**
 * Limits the orders that are open in Temporal: while the workers do not keep up, or Postgres is
 * unavailable, the backlog stays in Kafka, where it costs nothing. In Temporal each open order costs
 * retries, and a start is cheaper than the rest of an order, so that without a limit the starts take
 * the server's time from the workers.
 *
 * **Flow.** At most `window` orders are open at a time. Temporal hands out tasks about in the order
 * of the starts, so an order that has closed stands for all that were started before it, and only one
 * of every half window is watched. While the window is full, a count of the open orders once a second
 * shows what else has closed.
 *
 * **Stuck orders.** When no order has closed for ten seconds, those that are open count as stuck, and
 * another window is opened beside them: some orders that are retried indefinitely do not hold up the
 * others. Once a further window would exceed `maxOpen`, only one order at a time is started, as a
 * probe, at intervals of up to a minute. The first probe that closes, or any stuck order that does,
 * shows that orders are stored again: the window then doubles with each order that closes, as in
 * TCP's slow start.
 */
export class BacklogLimit {
  readonly #fullWindow: number;
  readonly #maxOpen: number;
  readonly #openOrders: OpenOrders;
  readonly #line = new FifoQueue();
  /** Watched orders, the oldest first. */
  readonly #samples = new Set<AbortController>();
  #begun: Promise<void> | undefined;
  #hasBegun = false;
  #window: number;
  #inFlight = 0;
  #started = 0;
  #latest: StartedWorkflow | undefined;
  /** Of the started orders, how many are closed or count as stuck. */
  #settled = 0;
  #sampled = 0;
  #stuck = 0;
  /** `#started` when the open orders were last taken for stuck. */
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
  }

  /** Whether the next start has to wait. */
  get isFull(): boolean {
    return this.#young + this.#inFlight >= this.#window;
  }

  /** Why new orders stay in Kafka, or undefined while enough of them are started. */
  reason(): string | undefined {
    if (this.#window >= this.#fullWindow) return undefined;
    return `${this.#stuck} orders are open in Temporal and none of them closes; new orders stay in Kafka until some do. Check the workers and Postgres`;
  }

  /** Starts an order when its turn comes. Throws what the start throws, or the signal's reason. */
  async run(start: () => Promise<StartOutcome>, signal: AbortSignal): Promise<StartOutcome> {
    if (!this.#hasBegun) await (this.#begun ??= this.#begin());
    while (this.isFull) {
      this.#startTicking();
      await this.#line.wait(signal);
    }
    this.#inFlight += 1;
    try {
      const outcome = await start();
      if (outcome.kind === 'started') this.#noteStart(outcome.workflow);
      return outcome;
    } finally {
      this.#inFlight -= 1;
      this.#wake();
    }
  }

  #startTicking(): void {
    this.#timer ??= setInterval(() => void this.#tick(), TICK_MS);
  }

  dispose(): void {
    clearInterval(this.#timer);
    for (const sample of this.#samples) sample.abort();
  }

  /** Orders of this bridge that may be open and do not count as stuck. */
  get #young(): number {
    return this.#started - this.#settled;
  }

  /** A bridge that starts during an outage must not open another window of orders. */
  async #begin(): Promise<void> {
    const count = await this.#openOrders.count().catch(() => 0);
    if (count + this.#fullWindow > this.#maxOpen) this.#stall(count);
    this.#hasBegun = true;
  }

  #noteStart(workflow: StartedWorkflow): void {
    this.#started += 1;
    this.#latest = workflow;
    if (this.#started - this.#sampled >= this.#window / 2) this.#sampleLatest();
  }

  /** Watches for the end of the order that was started last. */
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
      // An order that cannot be watched is one fewer sign; the count is the other.
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

  /** Sees by the number of open orders whether some have closed, stuck ones included. */
  #compare(count: number): void {
    this.#stuck = Math.min(this.#stuck, count);
    // Also where no order waits whose end could show it.
    if (count + this.#fullWindow <= this.#maxOpen) this.#window = this.#fullWindow;
    const settled = this.#started - (count - this.#stuck);
    if (settled > this.#settled) this.#progressTo(settled);
  }

  #progressTo(settled: number): void {
    this.#settled = settled;
    this.#idleTicks = 0;
    this.#patienceTicks = FIRST_PATIENCE_TICKS;
    this.#wake();
  }

  /** Takes all that are open for stuck. */
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
    this.#wake();
  }

  #wake(): void {
    const free = this.#window - this.#young - this.#inFlight;
    if (free > 0) this.#line.wake(free);
  }
}
