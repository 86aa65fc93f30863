import { jest } from '@jest/globals';
import { pino } from 'pino';
import { CircuitBreaker } from '../../../../src/bridge/flow-control/circuit-breaker.ts';

const never = new AbortController().signal;
const PAUSE_MS = 60_000;
let lines: { event: string }[];

beforeEach(() => {
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask'] });
  lines = [];
});
afterEach(() => jest.useRealTimers());

const createBreaker = ({ maxPercent = 50, window = 10 } = {}) =>
  new CircuitBreaker({
    maxPercent,
    window,
    pauseMs: PAUSE_MS,
    logger: pino({}, { write: (line) => void lines.push(JSON.parse(line) as never) }),
  });

const settle = () => new Promise(setImmediate);

function record(breaker: CircuitBreaker, outcome: 'dead letter' | 'started', count: number): void {
  for (let n = 0; n < count; n += 1) breaker.record(outcome === 'dead letter');
}

/** Whether a message passes now. */
async function passes(breaker: CircuitBreaker): Promise<boolean> {
  let hasPassed = false;
  const stopWaiting = new AbortController();
  void breaker.pass(stopWaiting.signal).then(() => (hasPassed = true));
  await settle();
  const result = hasPassed;
  stopWaiting.abort();
  return result;
}

test('opens when more than the maximum share of the recent messages are dead letters', async () => {
  const breaker = createBreaker();
  record(breaker, 'started', 5);
  record(breaker, 'dead letter', 5);
  expect(breaker.reason()).toBeUndefined();
  expect(await passes(breaker)).toBe(true);
  // The oldest started message leaves the window.
  record(breaker, 'dead letter', 1);
  expect(breaker.reason()).toContain('6 of the last 10');
  expect(await passes(breaker)).toBe(false);
  expect(lines).toEqual([
    expect.objectContaining({ event: 'circuit_breaker_open', deadLetters: 6, window: 10 }),
  ]);
});

test('stays closed until the window is full', async () => {
  const breaker = createBreaker();
  record(breaker, 'dead letter', 9);
  expect(await passes(breaker)).toBe(true);
  record(breaker, 'dead letter', 1);
  expect(await passes(breaker)).toBe(false);
});

test('old outcomes leave the window', () => {
  const breaker = createBreaker();
  record(breaker, 'dead letter', 5);
  record(breaker, 'started', 10);
  record(breaker, 'dead letter', 5);
  expect(breaker.reason()).toBeUndefined();
});

test('a maximum of 100 % disables it', () => {
  const breaker = createBreaker({ maxPercent: 100 });
  record(breaker, 'dead letter', 1000);
  expect(breaker.reason()).toBeUndefined();
});

test('lets waiting messages pass after the pause, and then judges by new outcomes only', async () => {
  const breaker = createBreaker();
  record(breaker, 'dead letter', 10);
  let hasPassed = false;
  void breaker.pass(never).then(() => (hasPassed = true));
  jest.advanceTimersByTime(PAUSE_MS - 1);
  await settle();
  expect(hasPassed).toBe(false);
  jest.advanceTimersByTime(1);
  await settle();
  expect(hasPassed).toBe(true);
  expect(breaker.reason()).toBeUndefined();
  record(breaker, 'dead letter', 9);
  expect(breaker.reason()).toBeUndefined();
  record(breaker, 'dead letter', 1);
  expect(breaker.reason()).toBeDefined();
  expect(lines.map(({ event }) => event)).toEqual([
    'circuit_breaker_open',
    'circuit_breaker_closed',
    'circuit_breaker_open',
  ]);
});

test('outcomes that arrive while it is open do not count', () => {
  const breaker = createBreaker();
  record(breaker, 'dead letter', 25);
  expect(lines).toHaveLength(1);
  breaker.close();
  record(breaker, 'dead letter', 9);
  expect(breaker.reason()).toBeUndefined();
});

test('closing it early lets all waiting messages pass and stops its timer', async () => {
  const breaker = createBreaker();
  breaker.close();
  expect(lines).toEqual([]);
  record(breaker, 'dead letter', 10);
  const waiting = [breaker.pass(never), breaker.pass(never)];
  breaker.close();
  await Promise.all(waiting);
  expect(jest.getTimerCount()).toBe(0);
});

test('a message stops waiting when its signal is aborted', async () => {
  const breaker = createBreaker();
  record(breaker, 'dead letter', 10);
  const stopping = new AbortController();
  const waiting = breaker.pass(stopping.signal);
  stopping.abort();
  await waiting;
  expect(breaker.reason()).toBeDefined();
});

test('dispose stops its timer', () => {
  const breaker = createBreaker();
  record(breaker, 'dead letter', 10);
  breaker.dispose();
  expect(jest.getTimerCount()).toBe(0);
});
