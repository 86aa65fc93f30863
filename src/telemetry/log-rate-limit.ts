import { systemClock, type Clock } from '../program/clock.ts';

/**
 * Keeps repeated lines from filling the log: each line is logged when it first occurs, then at most once
 * per interval while it keeps occurring.
 */
export interface LogRateLimit {
  /**
   * Whether to log this line: undefined when it must be suppressed, otherwise how many lines like it have
   * been suppressed since it was last logged.
   */
  admit(line: string): number | undefined;
  /** Admits every line again at once, since the situation has changed. */
  reset(): void;
}

const INTERVAL_MS = 60_000;
/** Bounds the memory used. There are far fewer kinds of lines. */
const MAX_LINES = 1000;

export function createLogRateLimit({
  intervalMs = INTERVAL_MS,
  clock = systemClock,
}: { readonly intervalMs?: number; readonly clock?: Clock } = {}): LogRateLimit {
  const seen = new Map<string, { loggedAt: number; suppressed: number }>();
  return {
    admit(line) {
      // Lines that differ only in ports, offsets, delays or numbers of attempts are the same line.
      const key = line.replace(/\d+/g, '#');
      const now = clock.now();
      const before = seen.get(key);
      if (before && now - before.loggedAt < intervalMs) {
        before.suppressed += 1;
        return undefined;
      }
      if (seen.size >= MAX_LINES) seen.clear();
      seen.set(key, { loggedAt: now, suppressed: 0 });
      return before?.suppressed ?? 0;
    },
    reset() {
      seen.clear();
    },
  };
}
