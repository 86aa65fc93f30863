import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 50;

/** An error that ends the retries of `eventually`. */
export class FinalError extends Error {}

/** Repeats the check until it no longer throws. Throws its last error after `timeoutMs`, a FinalError at once. */
export async function eventually<Result>(
  check: () => Promise<Result> | Result,
  timeoutMs = 180_000,
): Promise<Result> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (error instanceof FinalError || Date.now() > deadline) throw error;
      await delay(POLL_MS);
    }
  }
}
