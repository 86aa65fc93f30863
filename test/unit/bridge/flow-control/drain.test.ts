import { jest } from '@jest/globals';
import { Drain } from '../../../../src/bridge/flow-control/drain.ts';

const GRACE_MS = 10_000;

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

function createDrain({ isRevoked = false, isStopping = false } = {}) {
  const revoked = new AbortController();
  const stopping = new AbortController();
  if (isRevoked) revoked.abort();
  if (isStopping) stopping.abort();
  const drain = new Drain({
    revoked: revoked.signal,
    stopping: stopping.signal,
    graceMs: GRACE_MS,
  });
  return { drain, revoked, stopping };
}
const stateOf = ({ draining, abandoned }: Drain) => [draining.aborted, abandoned.aborted];

test('a shutdown drains, and abandons what is in flight after the grace period', () => {
  const { drain, stopping } = createDrain();
  expect(stateOf(drain)).toEqual([false, false]);
  stopping.abort();
  jest.advanceTimersByTime(GRACE_MS - 1);
  expect(stateOf(drain)).toEqual([true, false]);
  jest.advanceTimersByTime(1);
  expect(stateOf(drain)).toEqual([true, true]);
});

test('a revoked partition is abandoned at once, with its reason, also while it drains', () => {
  const { drain, revoked } = createDrain();
  drain.begin();
  const reason = new Error('revoked');
  revoked.abort(reason);
  expect(stateOf(drain)).toEqual([true, true]);
  expect(drain.abandoned.reason).toBe(reason);
});

test('beginning again does not extend the grace period', () => {
  const { drain, stopping } = createDrain();
  drain.begin();
  jest.advanceTimersByTime(GRACE_MS - 1);
  stopping.abort();
  drain.begin();
  jest.advanceTimersByTime(1);
  expect(drain.abandoned.aborted).toBe(true);
});

test('a batch that arrives after a shutdown or a revocation begins drained', () => {
  expect(stateOf(createDrain({ isStopping: true }).drain)).toEqual([true, false]);
  expect(stateOf(createDrain({ isRevoked: true }).drain)).toEqual([true, true]);
});

test('after dispose it neither listens nor keeps a timer', () => {
  const { drain, revoked, stopping } = createDrain();
  drain.begin();
  drain.dispose();
  revoked.abort();
  stopping.abort();
  expect(jest.getTimerCount()).toBe(0);
  expect(drain.abandoned.aborted).toBe(false);
});
