import { pino } from 'pino';
import { OperatorError } from '../../../../src/program/operator-error.ts';
import {
  DependencyHealth,
  probeDependency,
} from '../../../../src/telemetry/health/dependency-health.ts';
import { createHealth, type Conditions } from '../../../../src/telemetry/health/health.ts';
import { createManualClock, type ManualClock } from '../../../support/manual-clock.ts';

const THROTTLED = new Error('too many requests');

let clock: ManualClock;
let lines: { event: string; error?: string; code?: string; remedy?: string; seconds?: number }[];
let readiness: Conditions;
let temporal: DependencyHealth;
beforeEach(() => {
  clock = createManualClock();
  lines = [];
  readiness = createHealth().readiness;
  temporal = new DependencyHealth('Temporal', {
    logger: pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line) as never) }),
    readiness,
    isThrottled: (error) => error === THROTTLED,
    clock,
  });
});

const events = () => lines.map(({ event }) => event);

/** Failing and succeeding calls at these intervals. */
function makeCalls(options: { failEveryMs: number; succeedEveryMs?: number; forMs: number }) {
  const { failEveryMs, succeedEveryMs = Infinity, forMs } = options;
  let wasUnready = false;
  for (let ms = 100; ms <= forMs; ms += 100) {
    clock.advance(100);
    if (ms % failEveryMs === 0) temporal.callFailed(new Error('deadline exceeded'));
    wasUnready ||= Object.keys(readiness.reasons()).length > 0;
    if (ms % succeedEveryMs === 0) temporal.callSucceeded();
  }
  return { wasUnready };
}

test('calls that time out while others succeed are not an outage', () => {
  const calls = makeCalls({ failEveryMs: 100, succeedEveryMs: 2000, forMs: 600_000 });
  expect(calls.wasUnready).toBe(false);
  expect(lines).toEqual([]);
});

test('an outage makes the program not ready within seconds, and the first success ends it', () => {
  makeCalls({ failEveryMs: 500, forMs: 5500 });
  expect(readiness.reasons()).toEqual({ Temporal: 'deadline exceeded' });
  expect(events()).toEqual(['dependency_unavailable']);
  makeCalls({ failEveryMs: 500, forMs: 60_000 });
  expect(events()).toEqual(Array(3).fill('dependency_unavailable'));
  temporal.callSucceeded();
  expect(readiness.reasons()).toEqual({});
  expect(lines.at(-1)).toMatchObject({ event: 'dependency_available', seconds: 65 });
});

test('a single failure is an outage if nothing succeeds within five seconds', () => {
  temporal.callFailed(new Error('refused'));
  clock.advance(4999);
  expect(readiness.reasons()).toEqual({});
  clock.advance(1);
  expect(readiness.reasons()).toEqual({ Temporal: 'refused' });
});

test('recurring outages log each kind of line at most once per 30 seconds', () => {
  for (let n = 0; n < 20; n += 1) {
    makeCalls({ failEveryMs: 100, forMs: 6000 });
    temporal.callSucceeded();
  }
  expect(events().filter((event) => event === 'dependency_unavailable')).toHaveLength(4);
  expect(events().filter((event) => event === 'dependency_available')).toHaveLength(4);
});

test('throttling is not an outage', () => {
  for (let n = 0; n < 1000; n += 1) {
    temporal.callFailed(THROTTLED);
    clock.advance(100);
  }
  temporal.callSucceeded();
  expect(readiness.reasons()).toEqual({});
  expect(lines).toEqual([]);
});

test('a failing call that is abandoned is not an outage', () => {
  temporal.callFailed(new Error('refused'));
  temporal.callsAbandoned();
  clock.advance(60_000);
  expect(readiness.reasons()).toEqual({});
  expect(clock.pending).toBe(0);
});

test('an outage is reported for 30 more seconds after its calls were abandoned, unless calls fail again', () => {
  temporal.callFailed(new Error('refused'));
  clock.advance(5000);
  temporal.callsAbandoned();
  // A rebalance: the next batch fails, too.
  clock.advance(29_000);
  temporal.callFailed(new Error('refused'));
  clock.advance(60_000);
  expect(readiness.reasons()).toEqual({ Temporal: 'refused' });
  temporal.callsAbandoned();
  clock.advance(29_000);
  expect(readiness.reasons()).toEqual({ Temporal: 'refused' });
  clock.advance(1000);
  expect(readiness.reasons()).toEqual({});
});

test('one call that keeps failing while others succeed is logged once per 30 seconds', () => {
  for (let ms = 0; ms <= 90_000; ms += 1000) {
    temporal.callFailed(new OperatorError('KAFKA_UNREACHABLE', 'refused', 'allow it'), ms);
    temporal.callSucceeded();
    clock.advance(1000);
  }
  expect(events()).toEqual(Array(3).fill('dependency_call_stuck'));
  expect(lines[0]).toMatchObject({
    ...{ error: 'refused', code: 'KAFKA_UNREACHABLE', remedy: 'allow it', seconds: 30 },
  });
  expect(readiness.reasons()).toEqual({});
});

describe('a probed dependency', () => {
  test('is probed every five seconds, every second while the probe fails, and no more when stopped', async () => {
    let probes = 0;
    let isDown = false;
    const stop = probeDependency(
      () => {
        probes += 1;
        return isDown ? Promise.reject(new Error('refused')) : Promise.resolve();
      },
      temporal,
      clock,
    );
    await clock.advanceAsync(20_500);
    expect(probes).toBe(5);
    isDown = true;
    await clock.advanceAsync(10_000);
    expect(readiness.reasons()).toEqual({ Temporal: 'refused' });
    isDown = false;
    await clock.advanceAsync(1000);
    expect(readiness.reasons()).toEqual({});
    stop();
    const before = probes;
    await clock.advanceAsync(20_000);
    expect(probes).toBe(before);
    expect(clock.pending).toBe(0);
  });

  test('keeps its state while it cannot be probed', async () => {
    temporal.callFailed(new Error('refused'));
    await clock.advanceAsync(5000);
    const stop = probeDependency(() => undefined, temporal, clock);
    await clock.advanceAsync(20_000);
    expect(readiness.reasons()).toEqual({ Temporal: 'refused' });
    expect(events()).toEqual(['dependency_unavailable']);
    stop();
  });
});

test('an outage is reported at once, and logged with its cause as soon as that is found', async () => {
  const cause = new OperatorError(
    'TEMPORAL_UNREACHABLE',
    'the certificate has expired',
    'renew it',
  );
  const explained: unknown[] = [];
  const health = new DependencyHealth('Temporal', {
    logger: pino({ base: null }, { write: (line) => void lines.push(JSON.parse(line) as never) }),
    readiness,
    clock,
    explain: (error) => {
      explained.push(error);
      return Promise.resolve(cause);
    },
  });
  const error = new Error('deadline exceeded');
  health.callFailed(error);
  clock.advance(5000);
  expect(readiness.reasons()).toEqual({ Temporal: 'deadline exceeded' });
  expect(lines).toEqual([]);
  await new Promise(setImmediate);
  expect(readiness.reasons()).toEqual({ Temporal: 'the certificate has expired' });
  expect(lines).toMatchObject([
    { event: 'dependency_unavailable', code: 'TEMPORAL_UNREACHABLE', remedy: 'renew it' },
  ]);
  // The cause may change, but is not looked for with each call.
  health.callFailed(error);
  clock.advance(9000);
  health.callFailed(error);
  expect(explained).toEqual([error]);
  clock.advance(1000);
  health.callFailed(error);
  expect(explained).toEqual([error, error]);
  health.callSucceeded();
  await new Promise(setImmediate);
  expect(readiness.reasons()).toEqual({});
});

describe('whoever waits for a dependency', () => {
  const { signal: never } = new AbortController();
  const beginOutage = () => makeCalls({ failEveryMs: 500, forMs: 6000 });

  test('does not wait while it is available, or has only just begun to fail', async () => {
    await expect(temporal.untilAvailable(1000, never)).resolves.toBe('available');
    temporal.callFailed(new Error('refused'));
    await expect(temporal.untilAvailable(1000, never)).resolves.toBe('available');
  });

  test('continues at the first success', async () => {
    beginOutage();
    const waits = [temporal.untilAvailable(60_000, never), temporal.untilAvailable(60_000, never)];
    temporal.callSucceeded();
    await expect(Promise.all(waits)).resolves.toEqual(['recovered', 'recovered']);
  });

  test('waits no longer than the limit, or until it is told to stop, and leaves no timer behind', async () => {
    beginOutage();
    const pending = clock.pending;
    const limited = temporal.untilAvailable(1000, never);
    const stopping = new AbortController();
    const stopped = temporal.untilAvailable(60_000, stopping.signal);
    clock.advance(1000);
    await expect(limited).resolves.toBe('unavailable');
    stopping.abort();
    await expect(stopped).resolves.toBe('aborted');
    await expect(temporal.untilAvailable(60_000, stopping.signal)).resolves.toBe('aborted');
    expect(clock.pending).toBe(pending);
  });
});
