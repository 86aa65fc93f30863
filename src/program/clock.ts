/** The time and timers, as an argument so that tests control them. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Calls back once after `ms`. Returns a function that cancels the call. */
  after(ms: number, callback: () => void): () => void;
  /** Calls back every `ms`. Returns a function that ends it. */
  every(ms: number, callback: () => void): () => void;
}

/** Its timers do not keep the process running. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms).unref();
    return () => {
      clearTimeout(timer);
    };
  },
  every(ms, callback) {
    const timer = setInterval(callback, ms).unref();
    return () => {
      clearInterval(timer);
    };
  },
};
