/** Watches how a backlog gets less. */
export interface DrainWatch {
  /**
   * @param left how much there is still to do; undefined when nobody answers
   * @returns whether nothing is left. Throws when it has not become less for too long.
   */
  observe(left: number | undefined): boolean;
}

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
          ? `nobody has said what is left for ${stallMs / 1000} s`
          : `${least} of ${first} are left, and none has been finished for ${stallMs / 1000} s; before that, ${done} in ${seconds} s (${rate} per second)`,
      );
    },
  };
}
