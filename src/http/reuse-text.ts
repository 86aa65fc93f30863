import { systemClock, type Clock } from '../program/clock.ts';

/** A text is served again for so many times as long as it took to make, */
const REUSE_FACTOR = 10;
/** but not if it is older than this. */
const MAX_REUSE_MS = 1000;

/**
 * Makes a text at most once at a time, and serves it again for a short while, so that however often it is asked
 * for, making it takes at most a tenth of the program's time.
 */
export function reuseText(
  make: () => Promise<string>,
  clock: Clock = systemClock,
): () => Promise<string> {
  let pending: Promise<string> | undefined;
  let last: { readonly text: string; readonly until: number } | undefined;
  const makeOnce = async () => {
    const begin = clock.now();
    try {
      const text = await make();
      const end = clock.now();
      last = { text, until: end + Math.min((end - begin) * REUSE_FACTOR, MAX_REUSE_MS) };
      return text;
    } finally {
      pending = undefined;
    }
  };
  return () => {
    if (last !== undefined && clock.now() < last.until) return Promise.resolve(last.text);
    last = undefined;
    return (pending ??= makeOnce());
  };
}
