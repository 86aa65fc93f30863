import { jest } from '@jest/globals';
import { createRetryForever } from '../../../src/bridge/retry-forever.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';
import { createHealth, type Conditions } from '../../../src/telemetry/health/health.ts';

const { signal: never } = new AbortController();
let readiness: Conditions;

beforeEach(() => {
  jest.useFakeTimers();
  readiness = createHealth().readiness;
});
afterEach(() => jest.useRealTimers());

const createRetry = (isThrottled?: (error: unknown) => boolean) =>
  createRetryForever('Temporal', {
    readiness,
    logger: silentLogger(),
    ...(isThrottled ? { isThrottled } : {}),
  });

/** A call that fails with this error while `isDown`, and the times at which it was made. */
function createCall(error: Error) {
  const call = {
    isDown: true,
    madeAt: [] as number[],
    make: () => {
      call.madeAt.push(Date.now());
      return call.isDown ? Promise.reject(error) : Promise.resolve('done');
    },
  };
  return call;
}

test('a call that succeeds is made once', async () => {
  const call = createCall(new Error('refused'));
  call.isDown = false;
  await expect(createRetry()(call.make, never)).resolves.toBe('done');
  expect(call.madeAt).toHaveLength(1);
});

test('a call that fails is repeated until it succeeds, after pauses that grow to 5 s', async () => {
  const call = createCall(new Error('refused'));
  const result = createRetry()(call.make, never);
  await jest.advanceTimersByTimeAsync(3_600_000);
  const pauses = call.madeAt.slice(1).map((at, index) => at - (call.madeAt[index] ?? 0));
  expect(pauses[0]).toBeLessThanOrEqual(200);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(5000);
  expect(Math.min(...pauses.slice(10))).toBeGreaterThanOrEqual(1000);
  call.isDown = false;
  await jest.advanceTimersByTimeAsync(5000);
  await expect(result).resolves.toBe('done');
});

test('the dependency makes the program not ready until a call succeeds', async () => {
  const call = createCall(new Error('refused'));
  const result = createRetry()(call.make, never);
  await jest.advanceTimersByTimeAsync(10_000);
  expect(readiness.reasons()).toEqual({ Temporal: 'refused' });
  call.isDown = false;
  await jest.advanceTimersByTimeAsync(5000);
  await result;
  expect(readiness.reasons()).toEqual({});
});

test('throttled calls are repeated, and the dependency counts as available', async () => {
  const throttled = new Error('throttled');
  const call = createCall(throttled);
  const result = createRetry((error) => error === throttled)(call.make, never);
  await jest.advanceTimersByTimeAsync(60_000);
  expect(readiness.reasons()).toEqual({});
  call.isDown = false;
  await jest.advanceTimersByTimeAsync(5000);
  await expect(result).resolves.toBe('done');
});

test('a TypeError is repeated like any other error', async () => {
  const call = createCall(new TypeError('x is not a function'));
  const result = createRetry()(call.make, never);
  await jest.advanceTimersByTimeAsync(1000);
  expect(call.madeAt.length).toBeGreaterThan(1);
  call.isDown = false;
  await jest.advanceTimersByTimeAsync(5000);
  await expect(result).resolves.toBe('done');
});

test('an aborted signal ends it with its reason, and no further call is made', async () => {
  const stopping = new AbortController();
  const call = createCall(new Error('refused'));
  const retry = createRetry();
  const result = retry(call.make, stopping.signal);
  const rejected = expect(result).rejects.toThrow('stopping');
  await jest.advanceTimersByTimeAsync(1000);
  const before = call.madeAt.length;
  stopping.abort(new Error('stopping'));
  await jest.advanceTimersByTimeAsync(60_000);
  await rejected;
  await expect(retry(call.make, stopping.signal)).rejects.toThrow('stopping');
  expect(call.madeAt).toHaveLength(before);
});

test('a call that is aborted while it fails does not count as an outage', async () => {
  const stopping = new AbortController();
  const call = createCall(new Error('refused'));
  const rejected = expect(createRetry()(call.make, stopping.signal)).rejects.toThrow('stopping');
  await jest.advanceTimersByTimeAsync(1000);
  stopping.abort(new Error('stopping'));
  await jest.advanceTimersByTimeAsync(60_000);
  await rejected;
  expect(readiness.reasons()).toEqual({});
});
