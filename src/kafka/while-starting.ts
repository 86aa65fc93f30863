import pRetry from 'p-retry';
import { describeError } from '../program/operator-error.ts';
import { isOneBrokerUnreachable, isStarting } from './kafkajs-errors.ts';

/** How to wait for a cluster that is starting. */
export interface WaitForKafka {
  /** The longest wait, in milliseconds after the first failed attempt. */
  readonly timeoutMs: number;
  /** Called once, after the first failed attempt. */
  readonly onWait: (reason: string) => void;
}

/** Long enough for a slow machine to create the 50 partitions of `__consumer_offsets`. */
export const STARTUP_WAIT_MS = 180_000;

/**
 * Longer than a cluster needs to fence a failed broker, which is by default nine seconds
 * (`broker.session.timeout.ms`), and to elect other leaders.
 */
const FAILOVER_WAIT_MS = 20_000;

const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 3000;

/**
 * Retries a request while the cluster is starting, or makes it once without `wait`. A cluster also counts as
 * starting while it has not yet replaced a broker that has failed. Throws the last error.
 */
export async function whileStarting<Result>(
  request: () => Promise<Result>,
  wait: WaitForKafka | undefined,
): Promise<Result> {
  if (!wait) return request();
  const isTransient = (error: unknown) => isStarting(error) || isOneBrokerUnreachable(error);
  return retryWhile(isTransient, request, wait);
}

/**
 * Retries a request while the broker that it needs cannot be reached although others can: once the cluster
 * has fenced that broker, another one takes over, or the error names what is offline. Throws the last error.
 *
 * @param timeoutMs the longest wait after the first failed attempt
 */
export const duringFailover = <Result>(
  request: () => Promise<Result>,
  timeoutMs: number = FAILOVER_WAIT_MS,
): Promise<Result> => retryWhile(isOneBrokerUnreachable, request, { timeoutMs });

async function retryWhile<Result>(
  isTransient: (error: unknown) => boolean,
  request: () => Promise<Result>,
  { timeoutMs, onWait }: Pick<WaitForKafka, 'timeoutMs'> & Partial<WaitForKafka>,
): Promise<Result> {
  let isWaiting = false;
  // The request may have been at work for long before the broker failed.
  let deadline: number | undefined;
  return pRetry(request, {
    retries: Infinity,
    minTimeout: FIRST_RETRY_MS,
    maxTimeout: MAX_RETRY_MS,
    shouldRetry: ({ error }) => isTransient(error) && performance.now() < (deadline ?? 0),
    onFailedAttempt: ({ error }) => {
      deadline ??= performance.now() + timeoutMs;
      if (isWaiting || !isTransient(error)) return;
      isWaiting = true;
      onWait?.(describeError(error));
    },
  });
}
