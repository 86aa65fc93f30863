/** Watches a backlog drain. */
export interface DrainWatch {
  /**
   * @param left the size of the backlog; undefined if it is unknown
   * @returns whether the backlog is empty. Throws if it has not shrunk for `stallMs`.
   */
  observe(left: number | undefined): boolean;
}

/** @param stallMs how long the backlog may go without shrinking */
export function createDrainWatch(stallMs: number): DrainWatch {
  const begin = Date.now();
  let first: number | undefined;
  let least = Number.POSITIVE_INFINITY;
  let leastAt = begin;
  return {
    observe(left) {
      const now = Date.now();
      first ??= left;
      if (left !== undefined && left < least) {
        least = left;
        leastAt = now;
      }
      if (left === 0) return true;
      if (now - leastAt < stallMs) return false;
      const done = (first ?? 0) - (least === Number.POSITIVE_INFINITY ? 0 : least);
      const seconds = Math.max(1, Math.round((leastAt - begin) / 1000));
      const rate = (done / seconds).toFixed(1);
      throw new Error(
        first === undefined
          ? `the size of the backlog has been unknown for ${stallMs / 1000} s`
          : `${least} of ${first} are left, and the backlog has not shrunk for ${stallMs / 1000} s; before that, ${done} in ${seconds} s (${rate} per second)`,
      );
    },
  };
}
