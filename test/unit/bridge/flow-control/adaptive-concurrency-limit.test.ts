import { pino } from 'pino';
import { AdaptiveConcurrencyLimit } from '../../../../src/bridge/flow-control/adaptive-concurrency-limit.ts';
import {
  promiseWithResolvers,
  type PromiseWithResolvers,
} from '../../../../src/program/promise-with-resolvers.ts';
import { silentLogger } from '../../../../src/telemetry/logger.ts';

const THROTTLED = new Error('throttled');
const never = new AbortController().signal;
const createLimit = (max: number, logger = silentLogger()) =>
  new AdaptiveConcurrencyLimit({ max, isThrottled: (error) => error === THROTTLED, logger });

/** Calls in flight, which end as the test decides. */
function calls(limit: AdaptiveConcurrencyLimit, count: number): PromiseWithResolvers<string>[] {
  return Array.from({ length: count }, () => {
    const call = promiseWithResolvers<string>();
    void limit.run(() => call.promise, never).catch(() => undefined);
    return call;
  });
}

const settle = () => new Promise(setImmediate);

test('a throttled call halves the limit; calls that were in flight with it do not halve it again', async () => {
  const limit = createLimit(40);
  const inFlight = calls(limit, 40);
  for (const call of inFlight.slice(0, 10)) call.reject(THROTTLED);
  await settle();
  expect(limit.current).toBe(20);
  for (const call of inFlight.slice(10)) call.resolve('done');
  await settle();
  const [next] = calls(limit, 1);
  next?.reject(THROTTLED);
  await settle();
  expect(limit.current).toBeLessThanOrEqual(11);
});

test('the limit never falls below one, so that the end of the throttling is noticed', async () => {
  const limit = createLimit(8);
  for (let round = 0; round < 10; round += 1) {
    const [call] = calls(limit, 1);
    call?.reject(THROTTLED);
    await settle();
  }
  expect(limit.current).toBe(1);
});

test('as many successes as the limit raise it by one, up to the maximum', async () => {
  const limit = createLimit(4);
  const [first] = calls(limit, 1);
  first?.reject(THROTTLED);
  await settle();
  expect(limit.current).toBe(2);
  const seen: number[] = [];
  for (let round = 0; round < 12; round += 1) {
    for (const call of calls(limit, limit.current)) call.resolve('done');
    await settle();
    seen.push(limit.current);
  }
  expect(seen).toEqual([...seen].sort());
  expect(seen).toContain(3);
  expect(seen.at(-1)).toBe(4);
});

test('other errors do not change the limit', async () => {
  const limit = createLimit(4);
  const [call] = calls(limit, 1);
  call?.reject(new Error('unavailable'));
  await settle();
  expect(limit.current).toBe(4);
});

test('no more calls than the limit are in flight, and waiting calls start in order', async () => {
  const limit = createLimit(2);
  const begun: number[] = [];
  const gates = [0, 1, 2, 3].map((n) => {
    const gate = promiseWithResolvers<undefined>();
    void limit.run(() => {
      begun.push(n);
      return gate.promise;
    }, never);
    return gate;
  });
  await settle();
  expect(begun).toEqual([0, 1]);
  gates[1]?.resolve(undefined);
  await settle();
  expect(begun).toEqual([0, 1, 2]);
  gates[0]?.resolve(undefined);
  gates[2]?.resolve(undefined);
  await settle();
  expect(begun).toEqual([0, 1, 2, 3]);
});

test('a waiting call is rejected when its signal is aborted', async () => {
  const limit = createLimit(1);
  calls(limit, 1);
  const ending = new AbortController();
  const waiting = limit.run(() => Promise.resolve('done'), ending.signal);
  ending.abort(new Error('the batch ends'));
  await expect(waiting).rejects.toThrow('the batch ends');
});

test('decreases are counted, and logged at most every 30 s', async () => {
  const lines: { event: string; limit: number }[] = [];
  const logger = pino({}, { write: (line) => void lines.push(JSON.parse(line) as never) });
  const limit = createLimit(16, logger);
  expect(limit.decreasedAt).toBe(-Infinity);
  for (let round = 0; round < 3; round += 1) {
    const [call] = calls(limit, 1);
    call?.reject(THROTTLED);
    await settle();
  }
  expect(limit.decreases).toBe(3);
  expect(Date.now() - limit.decreasedAt).toBeLessThan(30_000);
  expect(lines).toEqual([expect.objectContaining({ event: 'starts_throttled', limit: 8 })]);
});
