import { setTimeout as delay } from 'node:timers/promises';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

/** An error that ends the retries of `eventually`. */
export class FinalError extends Error {}

/** Repeats the check until it no longer throws. Throws its last error after `timeoutMs`, a FinalError at once. */
export async function eventually<Result>(
  check: () => Promise<Result> | Result,
  timeoutMs = 180_000,
): Promise<Result> {
  const startedAt = Date.now();
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (error instanceof FinalError || Date.now() > startedAt + timeoutMs) throw error;
      // A long wait costs little CPU, and ends at most 5 % later.
      const pauseMs = Math.max(FIRST_PAUSE_MS, (Date.now() - startedAt) / 20);
      await delay(Math.min(LONGEST_PAUSE_MS, pauseMs));
    }
  }
}
