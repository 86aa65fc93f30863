/**
 * Keeps lines that say the same from filling the log: each is logged when it first occurs, and once a
 * minute while it keeps occurring.
 */
export interface RepeatLimit {
  /** How many lines like this one were left out since the last, or undefined: leave it out, too. */
  admit(line: string): number | undefined;
  /** Lets each line be logged again at once: the situation has changed. */
  reset(): void;
}

const INTERVAL_MS = 60_000;
/** So many different lines are kept in mind; far more than there are kinds of them. */
const MAX_LINES = 1000;

export function createRepeatLimit(): RepeatLimit {
  const seen = new Map<string, { loggedAt: number; leftOut: number }>();
  return {
    admit(line) {
      // Ports, offsets, waiting times and numbers of attempts do not make it another line.
      const key = line.replace(/\d+/g, '#');
      const now = Date.now();
      const before = seen.get(key);
      if (before && now - before.loggedAt < INTERVAL_MS) {
        before.leftOut += 1;
        return undefined;
      }
      if (seen.size >= MAX_LINES) seen.clear();
      seen.set(key, { loggedAt: now, leftOut: 0 });
      return before?.leftOut ?? 0;
    },
    reset() {
      seen.clear();
    },
  };
}
