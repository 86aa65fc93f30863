import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 50;

/** What no further try would change. */
export class FinalError extends Error {}

/**
 * Repeats the check until it no longer throws; after `timeoutMs` its last error is thrown, a
 * FinalError at once.
 */
export async function eventually<Result>(
  check: () => Promise<Result> | Result,
  timeoutMs = 60_000,
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
