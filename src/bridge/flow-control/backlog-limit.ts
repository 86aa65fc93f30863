import type { WorkflowRun } from '../../contract/ids.ts';
import type { StartPreferences } from '../../contract/order-module.ts';
import { DEFAULT_PRIORITY } from '../../contract/priority.ts';
import { DelayedOrders, type DueOrders } from './delayed-orders.ts';
import { Semaphore } from '../../program/semaphore.ts';

/** An order that has been started: see `StartOutcome`. */
export interface StartedOrder {
  readonly workflow: WorkflowRun;
  readonly start?: StartPreferences | undefined;
  readonly isEager: boolean;
}

/** What the limit asks Temporal. */
export interface OpenOrders {
  /** Resolves when the workflow has closed. */
  untilClosed(workflow: WorkflowRun, signal: AbortSignal): Promise<void>;
  /**
   * How many orders are open (started and not closed), whoever has started them. Those that wait for their
   * start delay are left out.
   *
   * @param dueBy Only orders that were due by then, by the server's clock.
   */
  count(dueBy?: Date): Promise<number>;
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
/** After how many ticks to count the older orders, and how often to count them again. */
const TICKS_PER_LOOK_AHEAD = 5;
/** How far this machine's clock may be ahead of the server's before orders that are started later count as stuck. */
const CLOCK_DIFFERENCE_MS = 5000;
/** Orders that are watched at a time, each by a long poll. */
const MAX_WATCHED = 16;

/**
 * Limits the orders that are open in Temporal: while the workers do not keep up, or Postgres is
 * unavailable, the backlog stays in Kafka, where it costs nothing. In Temporal each open order costs
 * retries, and a start is cheaper than the rest of an order, so that without a limit the starts would
 * take the server's time from the workers.
 *
 * **Flow.** At most `window` orders are open at a time. Temporal hands out the tasks of one priority
 * roughly in the order of the starts, and those of a more urgent one earlier. A closed order therefore
 * stands for all of its own and of more urgent priorities that were started before it, and only one of
 * every half window is watched per priority. An order that was started eagerly overtakes those in the task
 * queue, so it stands for none of these. While the window is full, a count of the open orders once a
 * second shows what else has closed, and another one how many of the stuck orders have.
 *
 * **Fairness.** Within a priority, Temporal delays the orders of the fairness key that has the most of
 * them. The latest order of that key is the one that is watched: it is handed out last.
 *
 * **Start delay.** An order takes room in the window from the end of its delay. Until then it costs
 * Temporal a timer only, and any number of orders may wait.
 *
 * **Stuck orders.** When no order has closed for ten seconds, those that are open count as stuck, and
 * another window is opened beside them: orders that are retried indefinitely do not hold up the
 * others. While orders that were due before these ten seconds close, whoever has started them, the orders of
 * this bridge may be waiting behind them, and it waits for up to a minute. Once a further window would exceed
 * `maxOpen`, only one order at a time is started, as a probe, at intervals of up to a minute. The first probe that closes shows that orders are stored again:
 * the window then doubles with each order that closes, as in TCP's slow start. Each stuck order that
 * closes widens it by one. Once it is open in full, stuck orders that close leave no room for others: they
 * are counted apart from those in the window, which would otherwise grow by all of them.
 */
export class BacklogLimit {
  readonly #fullWindow: number;
  readonly #maxOpen: number;
  readonly #temporal: OpenOrders;
  /** A permit for each start in flight: as many as the window leaves free. */
  readonly #starts: Semaphore;
  /** Watched orders by run ID, the oldest first: an entry is replaced when some of its orders have closed. */
  readonly #watched = new Map<string, AbortController>();
  #beginning: Promise<void> | undefined;
  #hasBegun = false;
  /** How many orders may be open, stuck ones aside. 1 while orders are probes, then doubled up to the full window. */
  #window: number;

  // The orders that this bridge has started are numbered from 1, those with a delay at its end. Each of these
  // is the number of an order.
  #started = 0;
  /** The last order that had been started when orders were last watched. */
  #watchedUpTo = 0;
  /** The last order that began to count as stuck: a later one that closes is a probe that succeeded. */
  #stuckUpTo = 0;

  /** The orders that fill the window, in the order of their numbers. They may be open, and do not count as stuck. */
  #open: OpenEntry[] = [];
  /** How many orders these are. */
  #openCount = 0;
  readonly #delayed = new DelayedOrders((due) => {
    this.#add(due);
  });
  /** How many orders count as stuck, whoever has started them. */
  #stuck = 0;
  /** The stuck orders were due by then, except for those that `#useCount` sorts out. */
  #stuckDueBy = new Date(0);
  /** Whether `#stuck` is a count of the orders that were due by then. */
  #isStuckCounted = true;
  #ticksWithoutProgress = 0;
  /** After so many of them the open orders count as stuck. Doubles while probes get stuck, too. */
  #ticksUntilStuck = FIRST_TICKS_UNTIL_STUCK;
  /** The open orders that were due before the ticks began. Undefined if no other bridge has open orders. */
  #ahead: { readonly dueBy: Date; readonly open: number } | undefined;
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

  /**
   * The order that was waited for has been started. It takes room in the window from the end of its start
   * delay until it closes.
   */
  started({ workflow, start = {}, isEager }: StartedOrder): void {
    const { startDelayMs = 0, priority = DEFAULT_PRIORITY, fairnessKey, fairnessWeight } = start;
    const order = { workflow, count: 1, priority, isEager, fairnessKey, fairnessWeight };
    if (startDelayMs > 0) this.#delayed.add(order, startDelayMs);
    else this.#add(order);
  }

  /** The start that was waited for is over, whether or not it has started a workflow. */
  release(): void {
    this.#starts.release();
  }

  dispose(): void {
    clearInterval(this.#timer);
    this.#delayed.dispose();
    for (const watch of this.#watched.values()) watch.abort();
  }

  #add(due: DueOrders): void {
    this.#started += due.count;
    this.#open.push({ ...due, number: this.#started });
    this.#openCount += due.count;
    this.#resize();
    if (this.#started - this.#watchedUpTo >= this.#window / 2) this.#watchLatest();
  }

  #startTicking(): void {
    this.#timer ??= setInterval(() => void this.#tick(), TICK_MS);
  }

  /** Call it when the window or `#openCount` has changed. */
  #resize(): void {
    this.#starts.resize(this.#window - this.#openCount);
  }

  /** A bridge that starts during an outage must not open another window of orders. */
  async #begin(): Promise<void> {
    // Younger ones may close in a moment: several bridges can have more than `maxOpen` of them.
    const dueBy = new Date(Date.now() - FIRST_TICKS_UNTIL_STUCK * TICK_MS);
    // If they cannot be counted, the bridge begins with a full window, and the ticks correct that.
    const count = await this.#temporal.count(dueBy).catch(() => 0);
    if (count + this.#fullWindow > this.#maxOpen) this.#countAsStuck(count);
    this.#hasBegun = true;
  }

  /** Watches, for each priority and kind of start, for the order to close that a worker gets last. */
  #watchLatest(): void {
    this.#watchedUpTo = this.#started;
    for (const order of handedOutLast(this.#open)) this.#watch(order);
  }

  #watch(order: OpenEntry): void {
    const { runId } = order.workflow;
    if (this.#watched.has(runId)) return;
    const watch = new AbortController();
    this.#watched.set(runId, watch);
    const [oldest] = this.#watched.values();
    if (this.#watched.size > MAX_WATCHED) oldest?.abort();
    this.#temporal
      .untilClosed(order.workflow, watch.signal)
      .then(() => {
        this.#closed(order);
      })
      // An order that cannot be watched shows nothing; the count of open orders still does.
      .catch(() => undefined)
      .finally(() => this.#watched.delete(runId));
  }

  #closed({ number, priority, isEager }: OpenEntry): void {
    if (number > this.#stuckUpTo) this.#window = Math.min(this.#fullWindow, this.#window * 2);
    this.#settle(
      this.#open.filter(
        (other) =>
          other.number > number || other.priority > priority || (isEager && !other.isEager),
      ),
    );
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
    const startedBefore = this.#started;
    const count = await this.#temporal.count().catch(() => undefined);
    // Afterwards, so that what closes in between makes no room before the next tick.
    const stuck = await this.#countStuck(count).catch(() => undefined);
    if (this.isFull) this.#ticksWithoutProgress += 1;
    if (count !== undefined && stuck !== undefined) {
      this.#useCount(count + this.#started - startedBefore, stuck);
    }
    const isWaiting = await this.#waitsBehindOthers(count).catch(() => false);
    this.#isTicking = false;
    if (this.#ticksWithoutProgress >= this.#ticksUntilStuck && !isWaiting)
      this.#countAsStuck(count ?? this.#stuck + this.#openCount);
  }

  /**
   * Whether orders close that were started before the ticks began. A count of all open orders does not show that
   * while other bridges start new ones.
   */
  async #waitsBehindOthers(open: number | undefined): Promise<boolean> {
    const ticks = this.#ticksWithoutProgress;
    if (ticks === TICKS_PER_LOOK_AHEAD) {
      const hasOthers = open !== undefined && open > this.#stuck + this.#openCount;
      const dueBy = new Date(Date.now() - CLOCK_DIFFERENCE_MS);
      this.#ahead = hasOthers ? { dueBy, open: await this.#temporal.count(dueBy) } : undefined;
    }
    const ahead = this.#ahead;
    if (!ahead || ticks < this.#ticksUntilStuck || ticks >= MOST_TICKS_UNTIL_STUCK) return false;
    if (ticks % TICKS_PER_LOOK_AHEAD !== 0) return true;
    this.#ahead = { ...ahead, open: await this.#temporal.count(ahead.dueBy) };
    return this.#ahead.open < ahead.open;
  }

  /** How many stuck orders are still open. Asks Temporal only if some may have closed. */
  async #countStuck(open: number | undefined): Promise<number> {
    if (this.#stuck === 0 || open === undefined) return this.#stuck;
    if (this.#isStuckCounted && open >= this.#stuck + this.#openCount) return this.#stuck;
    return this.#temporal.count(this.#stuckDueBy);
  }

  /**
   * Finds out from the number of open orders whether some have closed.
   *
   * @param dueEarlier How many of them were due by `#stuckDueBy`.
   */
  #useCount(count: number, dueEarlier: number): void {
    const stuck = Math.min(this.#stuck, dueEarlier, count);
    if (this.#isStuckCounted) {
      if (stuck < this.#stuck) this.#stuckHaveClosed(this.#stuck - stuck);
    } else {
      // The others have not closed: they were due a moment later, for instance those of another bridge.
      this.#stuck = stuck;
      this.#isStuckCounted = true;
    }
    // Also when no order of this bridge is open that could show it by closing.
    if (this.#stuck === 0 || count + this.#fullWindow <= this.#maxOpen) {
      this.#window = this.#fullWindow;
    }
    const open = count - this.#stuck;
    if (open < this.#openCount) this.#settle(latest(this.#open, open));
    else this.#resize();
  }

  /** As many may be started in their place, until the window is open in full again. */
  #stuckHaveClosed(closed: number): void {
    this.#stuck -= closed;
    if (this.#window === this.#fullWindow) return;
    this.#window = Math.min(this.#fullWindow, this.#window + closed);
    this.#restartTicks();
  }

  /** Some orders have closed; these still fill the window. */
  #settle(open: OpenEntry[]): void {
    this.#open = open;
    this.#openCount = open.reduce((sum, { count }) => sum + count, 0);
    this.#restartTicks();
    this.#resize();
  }

  #restartTicks(): void {
    this.#ticksWithoutProgress = 0;
    this.#ahead = undefined;
    this.#ticksUntilStuck = FIRST_TICKS_UNTIL_STUCK;
  }

  /** Counts all open orders as stuck. */
  #countAsStuck(open: number): void {
    this.#stuck = open;
    this.#stuckDueBy = new Date(Date.now() - CLOCK_DIFFERENCE_MS);
    this.#isStuckCounted = false;
    this.#open = [];
    this.#openCount = 0;
    this.#stuckUpTo = this.#started;
    this.#ticksWithoutProgress = 0;
    this.#ahead = undefined;
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

/** Orders that fill the window: one, or several whose start delay has ended at the same time. */
interface OpenEntry extends DueOrders {
  /** The number of the last of them. */
  readonly number: number;
}

/**
 * For each priority, and for eager starts apart from others, the order that a worker gets last: the latest one of the
 * fairness key that has the most orders, by its weight.
 */
function handedOutLast(open: readonly OpenEntry[]): readonly OpenEntry[] {
  const [first] = open;
  const isOneQueue = open.every(
    ({ priority, isEager, fairnessKey }) =>
      priority === first?.priority &&
      isEager === first.isEager &&
      fairnessKey === first.fairnessKey,
  );
  if (isOneQueue) return open.slice(-1);
  const last: OpenEntry[] = [];
  const queueOf = ({ priority, isEager }: OpenEntry) => (isEager ? `eager ${priority}` : priority);
  for (const [, ofPriority] of groupBy(open, queueOf)) {
    let longest = 0;
    let latestOfLongest: OpenEntry | undefined;
    for (const [, ofKey] of groupBy(ofPriority, ({ fairnessKey }) => fairnessKey)) {
      const length = ofKey.reduce(
        (sum, { count, fairnessWeight = 1 }) => sum + count / fairnessWeight,
        0,
      );
      const latestOfKey = ofKey.at(-1);
      const isLater = (latestOfKey?.number ?? 0) > (latestOfLongest?.number ?? 0);
      if (length > longest || (length === longest && isLater)) {
        longest = length;
        latestOfLongest = latestOfKey;
      }
    }
    if (latestOfLongest) last.push(latestOfLongest);
  }
  return last;
}

function groupBy<Key>(
  open: readonly OpenEntry[],
  keyOf: (entry: OpenEntry) => Key,
): ReadonlyMap<Key, readonly OpenEntry[]> {
  const groups = new Map<Key, OpenEntry[]>();
  for (const entry of open) {
    const group = groups.get(keyOf(entry));
    if (group) group.push(entry);
    else groups.set(keyOf(entry), [entry]);
  }
  return groups;
}

/** The latest of these orders, as many as `count`; first of all those in the task queue, which eager ones overtake. */
function latest(open: readonly OpenEntry[], count: number): OpenEntry[] {
  const inQueue = open.filter(({ isEager }) => !isEager);
  const eager = open.filter(({ isEager }) => isEager);
  const kept: OpenEntry[] = [];
  let room = count;
  for (const entry of [...eager, ...inQueue].toReversed()) {
    if (room <= 0) break;
    kept.push(entry.count > room ? { ...entry, count: room } : entry);
    room -= entry.count;
  }
  return kept.sort((a, b) => a.number - b.number);
}
