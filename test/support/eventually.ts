import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 50;

/** Repeats the check until it no longer throws; after `timeoutMs` its last error is thrown. */
export async function eventually<Result>(
  check: () => Promise<Result> | Result,
  timeoutMs = 60_000,
): Promise<Result> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await delay(POLL_MS);
    }
  }
}
