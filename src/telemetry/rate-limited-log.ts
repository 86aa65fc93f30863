import type { Level, Logger } from 'pino';
import { systemClock, type Clock } from '../program/clock.ts';

const INTERVAL_MS = 60_000;
/** Bounds the memory used. There are far fewer kinds of lines. */
const MAX_KINDS = 1000;

export interface RateLimitedLogOptions {
  readonly intervalMs?: number;
  readonly clock?: Clock;
}

/**
 * Keeps repeated lines from filling the log: each kind of line is logged when it first occurs, then at most
 * once per interval while it keeps occurring, with the number of lines left out since as `leftOut`. The
 * others are logged at level debug.
 */
export class RateLimitedLog {
  readonly #logger: Logger;
  readonly #intervalMs: number;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, { loggedAt: number; leftOut: number }>();

  constructor(
    logger: Logger,
    { intervalMs = INTERVAL_MS, clock = systemClock }: RateLimitedLogOptions = {},
  ) {
    this.#logger = logger;
    this.#intervalMs = intervalMs;
    this.#clock = clock;
  }

  /**
   * Logs the line at this level, or at level debug if it is a repeat. Returns false if it is a repeat.
   *
   * @param kind lines of one kind repeat each other; digits in it do not count
   */
  write(level: Level, fields: object, message: string, kind: string): boolean {
    const leftOut = this.#admit(kind);
    if (leftOut === undefined) this.#logger.debug(fields, message);
    else this.#logger[level](leftOut > 0 ? { ...fields, leftOut } : fields, message);
    return leftOut !== undefined;
  }

  /** Lets every kind of line be logged again at once, since the situation has changed. */
  reset(): void {
    this.#kinds.clear();
  }

  /** How many lines of this kind were left out since it was last logged; undefined for a repeat. */
  #admit(kind: string): number | undefined {
    // Lines that differ only in ports, offsets, delays or numbers of attempts are of one kind.
    const key = kind.replace(/\d+/g, '#');
    const now = this.#clock.now();
    const before = this.#kinds.get(key);
    if (before && now - before.loggedAt < this.#intervalMs) {
      before.leftOut += 1;
      return undefined;
    }
    if (this.#kinds.size >= MAX_KINDS) this.#kinds.clear();
    this.#kinds.set(key, { loggedAt: now, leftOut: 0 });
    return before?.leftOut ?? 0;
  }
}
