import pRetry from 'p-retry';
import { describeError } from '../program/operator-error.ts';
import { isStarting } from './kafkajs-errors.ts';

/** How to wait for a cluster that is starting. */
export interface WaitForKafka {
  /** The longest wait, in milliseconds. */
  readonly timeoutMs: number;
  /** Called once, after the first failed attempt. */
  readonly onWait: (reason: string) => void;
  /** Ends the wait early; `whileStarting` then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** Long enough for a slow machine to create the 50 partitions of `__consumer_offsets`. */
export const STARTUP_WAIT_MS = 180_000;

const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 3000;

/** Retries a request while the cluster is starting, or makes it once without `wait`. Throws the last error. */
export async function whileStarting<Result>(
  request: () => Promise<Result>,
  wait: WaitForKafka | undefined,
): Promise<Result> {
  if (!wait) return request();
  let isWaiting = false;
  const deadline = performance.now() + wait.timeoutMs;
  return pRetry(request, {
    retries: Infinity,
    minTimeout: FIRST_RETRY_MS,
    maxTimeout: MAX_RETRY_MS,
    ...(wait.signal ? { signal: wait.signal } : {}),
    shouldRetry: ({ error }) => isStarting(error) && performance.now() < deadline,
    onFailedAttempt: ({ error }) => {
      if (isWaiting || !isStarting(error)) return;
      isWaiting = true;
      wait.onWait(describeError(error));
    },
  });
}
