import { WaitingLine } from './waiting-line.ts';

/** How long workers that have been seen at work may take none of the orders that wait for them. */
const PATIENCE_MS = 10_000;
/** How old an answer that nobody is at work may be before it is asked for again. */
const ABSENCE_MS = 1000;

export interface StartedWorkflow {
  readonly workflowId: string;
  readonly runId: string;
}

/** What the window asks of Temporal. */
export interface WorkerSigns {
  /** Resolves when a worker has taken the workflow's first task. */
  untilTaken(workflow: StartedWorkflow, signal: AbortSignal): Promise<void>;
  /** Whether there are workers that ask for tasks. */
  areThere(): Promise<boolean>;
}

/**
 * Holds starts back while many orders wait in Temporal for a worker. Kafka keeps a backlog for
 * nothing; in Temporal it costs the workers the server's time, and a start is cheaper than the rest of
 * an order: without a limit a backlog of 100,000 all but stops the workers.
 *
 * It works as TCP's window does. Temporal hands tasks out about in the order of the starts, so that an
 * order which has been taken stands for all before it; only one of every half window is asked for.
 * Nothing is held back where no worker is at work, and after `PATIENCE_MS` without an order taken
 * another window of starts goes out: slow workers slow the bridge down and never stop it. Signs that
 * cannot be had count as good ones.
 */
export class StartWindow {
  readonly #size: number;
  readonly #signs: WorkerSigns;
  readonly #line = new WaitingLine();
  #started = 0;
  #latest: StartedWorkflow | undefined;
  /** How many of the started orders count as taken. */
  #taken = 0;
  #isProbing = false;
  /** By the last answer; it holds while the next one is on its way. */
  #nobodyIsThere = false;
  #answeredAt = 0;
  #isLooking = false;

  /** @param size how many orders may wait for a worker */
  constructor(size: number, signs: WorkerSigns) {
    this.#size = size;
    this.#signs = signs;
  }

  get isFull(): boolean {
    return this.#isOverSize && !this.#nobodyIsThere;
  }

  /** Waits until it is no longer full. Rejects with the signal's reason. */
  async opened(signal: AbortSignal): Promise<void> {
    while (this.isFull) {
      void this.#lookForWorkers();
      await this.#line.wait(signal);
    }
  }

  /** An order's workflow has been started. */
  started(workflow: StartedWorkflow): void {
    this.#started += 1;
    this.#latest = workflow;
    this.#probeIfDue();
    if (!this.#nobodyIsThere || !this.#isOverSize) return;
    if (performance.now() - this.#answeredAt >= ABSENCE_MS) void this.#lookForWorkers();
  }

  get #isOverSize(): boolean {
    return this.#started - this.#taken >= this.#size;
  }

  #probeIfDue(): void {
    const isDue = !this.#isProbing && this.#started - this.#taken >= this.#size / 2;
    if (isDue && this.#latest) void this.#probe(this.#latest, this.#started);
  }

  async #probe(workflow: StartedWorkflow, number: number): Promise<void> {
    this.#isProbing = true;
    const patience = new AbortController();
    const timer = setTimeout(() => {
      patience.abort();
    }, PATIENCE_MS).unref();
    await this.#signs.untilTaken(workflow, patience.signal).catch(() => undefined);
    clearTimeout(timer);
    this.#isProbing = false;
    this.#taken = number;
    this.#line.wake();
    // Starts that were under way may have gone past the size, and then no other one asks for this.
    this.#probeIfDue();
  }

  async #lookForWorkers(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#nobodyIsThere = !(await this.#signs.areThere().catch(() => false));
    this.#answeredAt = performance.now();
    this.#isLooking = false;
    if (this.#nobodyIsThere) this.#line.wake();
  }
}
