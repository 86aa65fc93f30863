import { status } from '@grpc/grpc-js';
import { EagerStarts, type EagerlyStarted } from '../../../src/bridge/eager-starts.ts';
import { promiseWithResolvers } from '../../../src/program/promise-with-resolvers.ts';
import { createManualClock } from '../../support/manual-clock.ts';

const TIMEOUT_MS = 3000;
const NEVER = new AbortController().signal;

/** Eager starts with a worker whose slots and answers the test controls. */
function createEagerStarts() {
  const clock = createManualClock();
  const calls: ReturnType<typeof promiseWithResolvers<EagerlyStarted>>[] = [];
  const state = { hasWorker: true, hasSlot: true, claimed: 0 };
  const eagerStarts = new EagerStarts({
    timeoutMs: TIMEOUT_MS,
    clock,
    worker: () =>
      state.hasWorker
        ? {
            async claimSlot(signal) {
              if (!state.hasSlot) {
                await new Promise((_resolve, reject) => {
                  signal.addEventListener('abort', () => {
                    reject(signal.reason as Error);
                  });
                });
              }
              state.claimed += 1;
              return () => {
                state.claimed -= 1;
              };
            },
            startEagerly() {
              const call = promiseWithResolvers<EagerlyStarted>();
              calls.push(call);
              return call.promise;
            },
          }
        : undefined,
  });
  const start = async (signal = NEVER) => {
    const startEagerly = await eagerStarts.withSlot(signal);
    return startEagerly?.({ workflowId: 'order:A-1' });
  };
  return { eagerStarts, state, clock, calls, start };
}

const settle = () => new Promise(setImmediate);
const grpcError = (code: status) =>
  Object.assign(new Error('no'), { code, details: '', metadata: {} });

test('a start goes to the worker, and returns its slot when it has been answered', async () => {
  const { eagerStarts, state, calls, start } = createEagerStarts();
  const first = start();
  const second = start();
  await settle();
  expect(state.claimed).toBe(2);
  calls[0]?.resolve({ runId: 'a', isEager: true });
  calls[1]?.resolve({ runId: 'b', isEager: false });
  expect(await first).toMatchObject({ runId: 'a' });
  expect(await second).toMatchObject({ runId: 'b' });
  expect(state.claimed).toBe(0);
  expect(eagerStarts.counts).toEqual({ eager: 1, no_task: 1, no_slot: 0, no_worker: 0 });
});

test('while there is no worker, starts take the connection of the bridge', async () => {
  const { eagerStarts, state, start } = createEagerStarts();
  state.hasWorker = false;
  expect(await start()).toBeUndefined();
  expect(eagerStarts.counts).toMatchObject({ eager: 0, no_worker: 1 });
});

test('a start that waits for a slot ends when its signal is aborted', async () => {
  const { eagerStarts, state, calls, start } = createEagerStarts();
  state.hasSlot = false;
  const abandoned = new AbortController();
  const started = start(abandoned.signal);
  await settle();
  abandoned.abort(new Error('revoked'));
  await expect(started).rejects.toThrow('revoked');
  expect(calls).toEqual([]);
  expect(eagerStarts.counts).toMatchObject({ eager: 0, no_slot: 0 });
});

test('a start that finds no slot for five seconds takes the connection of the bridge', async () => {
  const { eagerStarts, state, clock, start } = createEagerStarts();
  state.hasSlot = false;
  const started = start();
  await clock.advanceAsync(4999);
  expect(await Promise.race([started, Promise.resolve('waiting')])).toBe('waiting');
  await clock.advanceAsync(1);
  expect(await started).toBeUndefined();
  expect(eagerStarts.counts).toMatchObject({ eager: 0, no_slot: 1 });
  expect(clock.pending).toBe(0);
});

test('after a start without an answer, the next ones take the connection of the bridge for ten seconds', async () => {
  const { state, clock, calls, start } = createEagerStarts();
  const rejected = expect(start()).rejects.toThrow(/did not answer/);
  await settle();
  await clock.advanceAsync(TIMEOUT_MS);
  await rejected;
  expect(state.claimed).toBe(0);
  expect(await start()).toBeUndefined();
  await clock.advanceAsync(10_000);
  void start();
  await settle();
  expect(calls).toHaveLength(2);
  // The SDK repeats the first call until it gives up, which nothing waits for.
  calls[0]?.reject(grpcError(status.UNAVAILABLE));
  await settle();
});

test.each([
  ['UNAVAILABLE', false],
  ['RESOURCE_EXHAUSTED', false],
  ['PERMISSION_DENIED', false],
  ['ALREADY_EXISTS', true],
  ['INVALID_ARGUMENT', true],
] as const)(
  'after an answer of %s, the next start goes to the worker: %s',
  async (name, isEager) => {
    const { calls, start } = createEagerStarts();
    const rejected = expect(start()).rejects.toMatchObject({ code: status[name] });
    await settle();
    calls[0]?.reject(grpcError(status[name]));
    await rejected;
    void start();
    await settle();
    expect(calls).toHaveLength(isEager ? 2 : 1);
  },
);
