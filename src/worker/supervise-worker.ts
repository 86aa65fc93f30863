import { setTimeout as delay } from 'node:timers/promises';
import { describeError, OperatorError } from '../program/operator-error.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Conditions } from '../telemetry/health/health.ts';

/** A worker of the Temporal SDK with its own connection. It runs once. */
export interface SupervisedWorker {
  /** Settles after `shutdown`. Rejects when the worker fails, but not always: see `failure`. */
  run(): Promise<void>;
  /** Why the worker has failed, or undefined. The SDK's `run` can stay pending after a failure. */
  failure(): string | undefined;
  /**
   * Has a running worker take no more work. Resolves when it has begun to shut down, which can take as long as a start
   * in progress: see `StartGate`.
   */
  shutdown(): Promise<void>;
  /** Closes the connection. Rejects while the worker still holds it. */
  close(): Promise<void>;
}

export interface SupervisionOptions<W extends SupervisedWorker> {
  /** Connects and creates a worker. Rejects while Temporal is unavailable. */
  readonly create: () => Promise<W>;
  /** Aborted when the program shuts down. */
  readonly stopping: AbortSignal;
  readonly logger: Logger;
  readonly readiness: Conditions;
  /** Called with the error each time a new worker could not be created. */
  readonly onCreateFailed: (error: unknown) => void;
  readonly timings: SupervisionTimings;
}

export interface SupervisionTimings {
  /** How often to check whether the worker has failed. */
  readonly checkMs: number;
  /** Delay before the first replacement; doubles with each failure up to the maximum. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** A worker that ran this long has recovered: the delay starts at the minimum again. */
  readonly steadyMs: number;
  /** Time limit of one attempt to create a worker. */
  readonly createMs: number;
  /** Time limit for releasing a failed worker and its connection, each. */
  readonly closeMs: number;
  /** Time limit of a shutdown, from the signal on. */
  readonly shutdownMs: number;
}

export const supervisionTimings = (shutdownGraceMs: number): SupervisionTimings => ({
  checkMs: 500,
  minDelayMs: 1000,
  maxDelayMs: 30_000,
  steadyMs: 60_000,
  createMs: 30_000,
  closeMs: 3000,
  // After the grace, the SDK still reports results to Temporal, which may be unavailable.
  shutdownMs: shutdownGraceMs + 3000,
});

/**
 * How many failed workers may stay unreleased before the process has to be restarted: one whose `run`
 * stays pending keeps its connection and its threads.
 */
export const MAX_UNRELEASED_WORKERS = 5;

export interface Supervision<W extends SupervisedWorker> {
  /**
   * Settles when the worker has shut down. Rejects with an OperatorError when too many failed workers
   * could not be released.
   */
  readonly ended: Promise<void>;
  /** The running worker; undefined between a failed worker and its replacement. */
  current(): W | undefined;
}

/**
 * Runs a worker, and replaces it with a new one on a new connection whenever it fails. The SDK's core ends
 * a worker permanently at an error that it considers permanent, such as "namespace not found" from a Temporal
 * server that is starting after an outage of more than a minute.
 */
export function superviseWorker<W extends SupervisedWorker>(
  first: W,
  options: SupervisionOptions<W>,
): Supervision<W> {
  let current: W | undefined = first;
  const supervise = async () => {
    let unreleased = 0;
    let failures = 0;
    while (current) {
      const startedAt = Date.now();
      const run = endOf(current.run());
      const failure = await failureOf(current, run, options);
      if (failure === undefined) return;
      failures = Date.now() - startedAt < options.timings.steadyMs ? failures + 1 : 1;
      const failed = current;
      current = undefined;
      reportFailure(failure, options);
      if (!(await isReleased(failed, run, options))) unreleased += 1;
      if (unreleased > MAX_UNRELEASED_WORKERS) throw tooManyUnreleased(failure);
      current = await createReplacement(failures, options);
    }
  };
  return { ended: supervise(), current: () => current };
}

export const restartDelayMs = (
  failures: number,
  { minDelayMs, maxDelayMs }: Pick<SupervisionTimings, 'minDelayMs' | 'maxDelayMs'>,
): number => Math.min(maxDelayMs, minDelayMs * 2 ** Math.max(0, failures - 1));

const endOf = (run: Promise<void>): Promise<string> =>
  run.then(
    () => 'it stopped without being asked to',
    (error: unknown) => describeError(error),
  );

/** Resolves with why the running worker failed, or with undefined once it has been shut down. */
async function failureOf(
  worker: SupervisedWorker,
  run: Promise<string>,
  {
    stopping,
    logger,
    timings,
  }: Pick<SupervisionOptions<SupervisedWorker>, 'stopping' | 'logger' | 'timings'>,
): Promise<string | undefined> {
  const over = new AbortController();
  try {
    const failure = await Promise.race([
      run,
      firstFailure(worker, timings.checkMs, over.signal),
      aborted(stopping, over.signal),
    ]);
    // After a failure, `run` rejects with an error of the clean-up, not with the cause.
    if (!stopping.aborted) return worker.failure() ?? failure;
    const ending = worker.shutdown().then(() => run);
    const hasEnded = await Promise.race([
      Promise.race([ending, firstFailure(worker, timings.checkMs, over.signal)]).then(() => true),
      delay(timings.shutdownMs, false, { signal: over.signal }),
    ]);
    if (!hasEnded) {
      logger.warn(
        { event: 'shutdown_incomplete' },
        'the worker did not stop in time; Temporal has other workers repeat what was in progress',
      );
    }
    return undefined;
  } finally {
    over.abort();
  }
}

async function firstFailure(
  worker: SupervisedWorker,
  checkMs: number,
  over: AbortSignal,
): Promise<string | undefined> {
  while (!over.aborted) {
    const failure = worker.failure();
    if (failure !== undefined) return failure;
    await delay(checkMs, undefined, { signal: over }).catch(() => undefined);
  }
  return undefined;
}

function aborted(signal: AbortSignal, over: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    signal.addEventListener(
      'abort',
      () => {
        resolve(undefined);
      },
      { signal: over },
    );
  });
}

function reportFailure(
  failure: string,
  { logger, readiness }: Pick<SupervisionOptions<SupervisedWorker>, 'logger' | 'readiness'>,
): void {
  readiness.fail('worker', `the Temporal worker has failed and is being replaced: ${failure}`);
  logger.error(
    { event: 'worker_failed', error: failure },
    'the Temporal worker has failed; it is replaced as soon as Temporal answers',
  );
}

async function isReleased(
  worker: SupervisedWorker,
  run: Promise<string>,
  { logger, timings }: Pick<SupervisionOptions<SupervisedWorker>, 'logger' | 'timings'>,
): Promise<boolean> {
  try {
    await within(timings.closeMs, run, 'the worker did not end after its failure');
    await within(timings.closeMs, worker.close(), 'its connection did not close');
    return true;
  } catch (error) {
    logger.warn(
      { event: 'worker_not_released', error: describeError(error) },
      'the failed worker keeps its connection open until the process ends',
    );
    return false;
  }
}

/** Creates a new worker, retrying until it succeeds; undefined if the program shuts down first. */
async function createReplacement<W extends SupervisedWorker>(
  failures: number,
  { create, stopping, logger, readiness, onCreateFailed, timings }: SupervisionOptions<W>,
): Promise<W | undefined> {
  for (let attempt = failures; ; attempt += 1) {
    const delayMs = restartDelayMs(attempt, timings);
    await delay(delayMs, undefined, { signal: stopping }).catch(() => undefined);
    if (stopping.aborted) return undefined;
    try {
      const worker = await createUnlessStopping(create, stopping, timings.createMs);
      if (!worker) return undefined;
      readiness.clear('worker');
      logger.info({ event: 'worker_replaced' }, 'a new Temporal worker is waiting for orders');
      return worker;
    } catch (error) {
      onCreateFailed(error);
      logger.warn(
        { event: 'worker_not_replaced', error: describeError(error), attempt },
        'no new Temporal worker could be created; retrying',
      );
    }
  }
}

async function createUnlessStopping<W extends SupervisedWorker>(
  create: () => Promise<W>,
  stopping: AbortSignal,
  limitMs: number,
): Promise<W | undefined> {
  const over = new AbortController();
  let isWanted = true;
  const created = create().then(async (worker) => {
    if (isWanted) return worker;
    // The SDK releases the connection of a worker only after the worker has run.
    const run = worker.run();
    await worker.shutdown();
    await run;
    await worker.close();
    return undefined;
  });
  try {
    return await within(
      limitMs,
      Promise.race([created, aborted(stopping, over.signal)]),
      `it took more than ${limitMs} ms`,
    );
  } finally {
    isWanted = false;
    over.abort();
    // If it was too slow, nothing awaits it any more.
    created.catch(() => undefined);
  }
}

async function within<Result>(
  limitMs: number,
  work: Promise<Result>,
  message: string,
): Promise<Result> {
  const over = new AbortController();
  const limit = delay(limitMs, undefined, { signal: over.signal }).then(() => {
    throw new Error(message);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    limit.catch(() => undefined);
    over.abort();
  }
}

const tooManyUnreleased = (failure: string) =>
  new OperatorError(
    'WORKER_NOT_RELEASED',
    `The Temporal worker has failed ${MAX_UNRELEASED_WORKERS + 1} times and could not be released: ${failure}`,
    'find the cause in the log above, fix it and start the worker again; nothing is lost',
  );
