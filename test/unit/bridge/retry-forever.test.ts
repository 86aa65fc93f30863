import { jest } from '@jest/globals';
import { createRetryForever } from '../../../src/bridge/retry-forever.ts';
import { createHealth, type Conditions } from '../../../src/telemetry/health/health.ts';
import { silentLogger } from '../../../src/telemetry/logger.ts';

let readiness: Conditions;
beforeEach(() => {
  jest.useFakeTimers();
  readiness = createHealth().readiness;
});
afterEach(() => jest.useRealTimers());

const create = () => createRetryForever('Temporal', { logger: silentLogger(), readiness });

test('a call is retried until it succeeds, and its success ends the outage', async () => {
  let isDown = true;
  const call = create()(
    () => (isDown ? Promise.reject(new Error('refused')) : Promise.resolve(7)),
    new AbortController().signal,
  );
  await jest.advanceTimersByTimeAsync(20_000);
  expect(readiness.reasons()).toEqual({ Temporal: 'refused' });
  isDown = false;
  await jest.advanceTimersByTimeAsync(10_000);
  await expect(call).resolves.toBe(7);
  expect(readiness.reasons()).toEqual({});
});

test('a call that is aborted while it fails is not an outage', async () => {
  const stopping = new AbortController();
  const call = create()(() => Promise.reject(new Error('refused')), stopping.signal);
  const ended = expect(call).rejects.toThrow('stopped');
  await jest.advanceTimersByTimeAsync(1000);
  stopping.abort(new Error('stopped'));
  await jest.advanceTimersByTimeAsync(60_000);
  await ended;
  expect(readiness.reasons()).toEqual({});
});
