import { createHealth } from '../../../src/telemetry/health/health.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import {
  MAX_UNRELEASED_WORKERS,
  restartDelayMs,
  superviseWorker,
  supervisionTimings,
  type SupervisedWorker,
} from '../../../src/worker/supervise-worker.ts';
import { eventually } from '../../support/eventually.ts';

/** A worker that the test controls. */
class FakeWorker implements SupervisedWorker {
  state: string | undefined;
  isShutDown = false;
  isClosed = false;
  /** Like the SDK's worker after some failures: `run` stays pending and the connection cannot be closed. */
  hangs = false;
  ignoresShutdown = false;
  #settle: { resolve: () => void; reject: (error: Error) => void } | undefined;

  run(): Promise<void> {
    return new Promise((resolve, reject) => (this.#settle = { resolve, reject }));
  }
  isRunning(): boolean {
    return this.#settle !== undefined;
  }
  fail(reason: string): void {
    if (this.hangs) this.state = reason;
    else this.#settle?.reject(new Error(reason));
  }
  failure(): string | undefined {
    return this.state;
  }
  shutdown(): Promise<void> {
    this.isShutDown = true;
    if (!this.ignoresShutdown) this.#settle?.resolve();
    return Promise.resolve();
  }
  close(): Promise<void> {
    if (this.hangs) return Promise.reject(new Error('a worker holds the connection'));
    this.isClosed = true;
    return Promise.resolve();
  }
}

const NEVER_MS = 3_600_000;

function supervised(
  options: {
    create?: () => Promise<FakeWorker>;
    timings?: Partial<ReturnType<typeof supervisionTimings>>;
  } = {},
) {
  const first = new FakeWorker();
  const workers = [first];
  const stopping = new AbortController();
  const { readiness } = createHealth();
  const createErrors: unknown[] = [];
  const supervision = superviseWorker(first, {
    create:
      options.create ??
      (() => {
        const worker = new FakeWorker();
        workers.push(worker);
        return Promise.resolve(worker);
      }),
    stopping: stopping.signal,
    logger: silentLogger(),
    readiness,
    onCreateFailed: (error) => createErrors.push(error),
    timings: {
      ...{ checkMs: 1, minDelayMs: 1, maxDelayMs: 1, steadyMs: 0 },
      ...{ createMs: NEVER_MS, closeMs: 1, shutdownMs: NEVER_MS, ...options.timings },
    },
  });
  const stop = () => {
    stopping.abort();
    return supervision.ended;
  };
  const running = (index: number) =>
    eventually(() => {
      const worker = workers[index];
      if (!worker?.isRunning()) throw new Error(`worker ${index} does not run`);
      return worker;
    });
  return { first, workers, readiness, supervision, createErrors, stop, running };
}

describe('a supervised worker', () => {
  test('is shut down with the program, and not replaced', async () => {
    const { first, workers, stop } = supervised();
    await stop();
    expect(first.isShutDown).toBe(true);
    expect(workers).toHaveLength(1);
  });

  test.each([false, true])(
    'is replaced when it fails, whether its run stays pending or not (%p)',
    async (hangs) => {
      const { first, workers, readiness, supervision, stop, running } = supervised();
      first.hangs = hangs;
      first.fail('namespace not found');
      const second = await running(1);
      expect(supervision.current()).toBe(second);
      expect(first.isClosed).toBe(!hangs);
      expect(readiness.reasons()).toEqual({});
      await stop();
      expect(second.isShutDown).toBe(true);
      expect(workers).toHaveLength(2);
    },
  );

  test('makes the program not ready from its failure until it is replaced', async () => {
    let isAvailable = false;
    const { first, readiness, supervision, createErrors, stop } = supervised({
      create: () =>
        isAvailable ? Promise.resolve(new FakeWorker()) : Promise.reject(new Error('refused')),
    });
    first.fail('namespace not found');
    await eventually(() => {
      expect(createErrors.length).toBeGreaterThan(20);
    });
    expect(readiness.reasons()).toEqual({ worker: expect.stringContaining('namespace not found') });
    expect(supervision.current()).toBeUndefined();
    isAvailable = true;
    await eventually(() => {
      expect(readiness.reasons()).toEqual({});
    });
    await stop();
  });

  test('is created again when creating it takes too long, and closed if it is created after all', async () => {
    const late = new FakeWorker();
    let finish: (worker: FakeWorker) => void = () => undefined;
    let attempts = 0;
    const { first, createErrors, stop } = supervised({
      create: () => {
        attempts += 1;
        return attempts === 1
          ? new Promise((resolve) => (finish = resolve))
          : Promise.resolve(new FakeWorker());
      },
      timings: { createMs: 1 },
    });
    first.fail('lost');
    await eventually(() => {
      expect(createErrors).toEqual([new Error('it took more than 1 ms')]);
    });
    finish(late);
    await eventually(() => {
      expect(late.isClosed).toBe(true);
    });
    await stop();
  });

  test.each(['waiting', 'creating'])(
    'does not delay a shutdown while its replacement is at the step "%s"',
    async (step) => {
      let isCreating = false;
      const { first, workers, readiness, stop } = supervised({
        create: () => {
          isCreating = true;
          return new Promise(() => undefined);
        },
        ...(step === 'waiting' && {
          timings: { minDelayMs: NEVER_MS, maxDelayMs: NEVER_MS },
        }),
      });
      first.fail('lost');
      await eventually(() => {
        expect(Object.keys(readiness.reasons())).toEqual(['worker']);
        expect(isCreating).toBe(step === 'creating');
      });
      await stop();
      expect(workers).toEqual([first]);
    },
  );

  test('shuts down after a failure that was not detected yet', async () => {
    const { first, stop } = supervised({ timings: { checkMs: NEVER_MS } });
    first.hangs = true;
    first.fail('lost');
    await stop();
  });

  test('does not delay a shutdown beyond its time limit', async () => {
    const { first, stop } = supervised({ timings: { shutdownMs: 1 } });
    first.ignoresShutdown = true;
    await stop();
    expect(first.isShutDown).toBe(true);
  });

  test('ends the program when too many failed workers cannot be released', async () => {
    const { supervision, workers, running } = supervised();
    const failAll = async () => {
      for (let index = 0; index <= MAX_UNRELEASED_WORKERS; index += 1) {
        const worker = await running(index);
        worker.hangs = true;
        worker.fail('lost');
      }
    };
    await Promise.all([
      failAll(),
      expect(supervision.ended).rejects.toMatchObject({
        code: 'WORKER_NOT_RELEASED',
        message: expect.stringMatching(/ 6 times.* lost$/),
      }),
    ]);
    expect(workers).toHaveLength(MAX_UNRELEASED_WORKERS + 1);
  });

  test('is replaced indefinitely as long as failed workers can be released', async () => {
    const { running, stop } = supervised();
    for (let index = 0; index < 4 * MAX_UNRELEASED_WORKERS; index += 1) {
      (await running(index)).fail('lost');
    }
    await stop();
  });

  test('is replaced after a delay that doubles up to 30 seconds', () => {
    const timings = supervisionTimings(10_000);
    const delays = [1, 2, 3, 6, 1000].map((failures) => restartDelayMs(failures, timings));
    expect(delays).toEqual([1000, 2000, 4000, 30_000, 30_000]);
  });
});
