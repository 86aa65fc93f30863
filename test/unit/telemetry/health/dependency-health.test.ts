import { jest } from '@jest/globals';
import { pino } from 'pino';
import { createRetryForever } from '../../../../src/bridge/retry-forever.ts';
import { OperatorError } from '../../../../src/program/operator-error.ts';
import {
  createOutageReport,
  type OutageReport,
} from '../../../../src/telemetry/health/dependency-health.ts';
import { createReadiness, type Readiness } from '../../../../src/telemetry/health/health.ts';
import { watchDependency } from '../../../../src/telemetry/watch-dependency.ts';

const THROTTLED = new Error('too many');
const isThrottled = (error: unknown) => error === THROTTLED;

let lines: { event: string; error?: string; remedy?: string; seconds?: number }[];
let readiness: Readiness;
let report: OutageReport;
beforeEach(() => {
  jest.useFakeTimers();
  lines = [];
  readiness = createReadiness();
  report = createOutageReport('Temporal', parts());
});
afterEach(() => jest.useRealTimers());

const parts = () => ({
  logger: pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line) as never) }),
  readiness,
  isThrottled,
});
const events = () => lines.map(({ event }) => event);

/** Calls that fail and calls that succeed, each so often, for so long. */
function mix(options: { failEveryMs: number; succeedEveryMs?: number; forMs: number }) {
  const { failEveryMs, succeedEveryMs = Infinity, forMs } = options;
  const states = new Set<boolean>();
  for (let ms = 100; ms <= forMs; ms += 100) {
    jest.advanceTimersByTime(100);
    if (ms % failEveryMs === 0) report.failed(new Error('deadline exceeded'));
    states.add(Object.keys(readiness.reasons()).length === 0);
    if (ms % succeedEveryMs === 0) report.succeeded();
  }
  return { wasReady: states.has(true), wasUnready: states.has(false) };
}

test('calls that miss their deadline while others are answered are no outage', () => {
  expect(mix({ failEveryMs: 100, succeedEveryMs: 2000, forMs: 600_000 }).wasUnready).toBe(false);
  expect(lines).toEqual([]);
});

test('an outage makes the program unready within seconds, and the first success ends it', () => {
  mix({ failEveryMs: 500, forMs: 5500 });
  expect(readiness.reasons()).toEqual({ Temporal: 'deadline exceeded' });
  expect(events()).toEqual(['dependency_unavailable']);
  mix({ failEveryMs: 500, forMs: 60_000 });
  expect(events()).toEqual(Array(3).fill('dependency_unavailable'));
  report.succeeded();
  expect(readiness.reasons()).toEqual({});
  expect(lines.at(-1)).toMatchObject({ event: 'dependency_available', seconds: 65 });
});

test('one failure that is waited on is an outage, too, when nothing succeeds', () => {
  report.failed(new Error('refused'));
  jest.advanceTimersByTime(4999);
  expect(readiness.reasons()).toEqual({});
  jest.advanceTimersByTime(1);
  expect(readiness.reasons()).toEqual({ Temporal: 'refused' });
});

test('an outage that comes and goes logs a line of each kind per half minute at most', () => {
  for (let n = 0; n < 20; n += 1) {
    mix({ failEveryMs: 100, forMs: 6000 });
    report.succeeded();
  }
  expect(events().filter((event) => event === 'dependency_unavailable')).toHaveLength(4);
  expect(events().filter((event) => event === 'dependency_available')).toHaveLength(4);
});

test('throttling is no outage', () => {
  for (let n = 0; n < 1000; n += 1) {
    report.failed(THROTTLED);
    jest.advanceTimersByTime(100);
  }
  report.succeeded();
  expect(readiness.reasons()).toEqual({});
  expect(lines).toEqual([]);
});

test('a failure that nobody waits for any more is no outage', () => {
  report.failed(new Error('refused'));
  report.abandoned();
  jest.advanceTimersByTime(60_000);
  expect(readiness.reasons()).toEqual({});
});

test('an outage is no longer reported when its calls were given up and none fails any more', () => {
  report.failed(new Error('refused'));
  jest.advanceTimersByTime(5000);
  report.abandoned();
  // A rebalance: the next batch fails, too.
  jest.advanceTimersByTime(29_000);
  report.failed(new Error('refused'));
  jest.advanceTimersByTime(29_000);
  expect(readiness.reasons()).toEqual({ Temporal: 'refused' });
  report.abandoned();
  jest.advanceTimersByTime(30_000);
  expect(readiness.reasons()).toEqual({});
});

test('while there is nothing to ask with, a dependency is neither available nor not', async () => {
  report.failed(new Error('refused'));
  await jest.advanceTimersByTimeAsync(5000);
  const stop = watchDependency(() => undefined, report);
  await jest.advanceTimersByTimeAsync(20_000);
  expect(readiness.reasons()).toEqual({ Temporal: 'refused' });
  expect(events()).toEqual(['dependency_unavailable']);
  stop();
});

test('one call that keeps failing while others succeed is logged, once per half minute', () => {
  for (let ms = 0; ms <= 90_000; ms += 1000) {
    report.failed(new OperatorError('KAFKA_UNREACHABLE', 'refused', 'allow it'), ms);
    report.succeeded();
    jest.advanceTimersByTime(1000);
  }
  expect(events()).toEqual(Array(3).fill('dependency_call_stuck'));
  expect(lines[0]).toMatchObject({ error: 'refused', remedy: 'allow it', seconds: 30 });
  expect(readiness.reasons()).toEqual({});
});

describe('calls that are retried', () => {
  const { signal } = new AbortController();

  test('succeed in the end, and end the outage', async () => {
    const persist = createRetryForever('Temporal', parts());
    let isDown = true;
    const call = persist(
      () => (isDown ? Promise.reject(new Error('refused')) : Promise.resolve(7)),
      signal,
    );
    await jest.advanceTimersByTimeAsync(20_000);
    expect(readiness.reasons()).toEqual({ Temporal: 'refused' });
    isDown = false;
    await jest.advanceTimersByTimeAsync(10_000);
    await expect(call).resolves.toBe(7);
    expect(readiness.reasons()).toEqual({});
  });

  test('do not count as an outage once they are aborted', async () => {
    const persist = createRetryForever('Temporal', parts());
    const stopping = new AbortController();
    const call = persist(() => Promise.reject(new Error('refused')), stopping.signal);
    const ended = expect(call).rejects.toThrow('stopped');
    await jest.advanceTimersByTimeAsync(1000);
    stopping.abort(new Error('stopped'));
    await jest.advanceTimersByTimeAsync(60_000);
    await ended;
    expect(readiness.reasons()).toEqual({});
  });
});

test('a dependency that is watched is asked more often while it does not answer', async () => {
  let asked = 0;
  let isDown = false;
  const stop = watchDependency(() => {
    asked += 1;
    return isDown ? Promise.reject(new Error('refused')) : Promise.resolve();
  }, report);
  await jest.advanceTimersByTimeAsync(20_500);
  expect(asked).toBe(5);
  isDown = true;
  await jest.advanceTimersByTimeAsync(10_000);
  expect(readiness.reasons()).toEqual({ Temporal: 'refused' });
  isDown = false;
  await jest.advanceTimersByTimeAsync(1000);
  expect(readiness.reasons()).toEqual({});
  stop();
  const before = asked;
  await jest.advanceTimersByTimeAsync(20_000);
  expect(asked).toBe(before);
});
