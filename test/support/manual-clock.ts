import type { Clock } from '../../src/program/clock.ts';

export interface ManualClock extends Clock {
  /** Lets time pass, and calls back every timer that is due meanwhile, in order. */
  advance(ms: number): void;
  /** The same for code that awaits promises between its timers. */
  advanceAsync(ms: number): Promise<void>;
  /** How many timers are pending. */
  readonly pending: number;
}

interface Timer {
  at: number;
  readonly everyMs: number | undefined;
  readonly callback: () => void;
}

export function createManualClock(): ManualClock {
  let now = 0;
  const timers = new Set<Timer>();
  const start = (timer: Timer) => {
    timers.add(timer);
    return () => {
      timers.delete(timer);
    };
  };
  /** Moves to the next timer that is due by `end` and calls it back; false when there is none. */
  const fireNext = (end: number): boolean => {
    const [next] = [...timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
    if (!next) return false;
    now = next.at;
    if (next.everyMs === undefined) timers.delete(next);
    else next.at += next.everyMs;
    next.callback();
    return true;
  };
  return {
    now: () => now,
    after: (ms, callback) => start({ at: now + ms, everyMs: undefined, callback }),
    every: (ms, callback) => start({ at: now + ms, everyMs: ms, callback }),
    advance(ms) {
      const end = now + ms;
      while (fireNext(end));
      now = end;
    },
    async advanceAsync(ms) {
      const end = now + ms;
      do {
        // Code that a timer has resumed may start the next one.
        await new Promise(setImmediate);
      } while (fireNext(end));
      now = end;
    },
    get pending() {
      return timers.size;
    },
  };
}
