import { ConsumerWatchdog, StallDetector } from '../../../../src/telemetry/health/watchdog.ts';
import { createManualClock, type ManualClock } from '../../../support/manual-clock.ts';

let clock: ManualClock;
beforeEach(() => {
  clock = createManualClock();
});

describe('the consumer watchdog', () => {
  let watchdog: ConsumerWatchdog;
  let timeouts: string[];
  beforeEach(() => {
    timeouts = [];
    watchdog = new ConsumerWatchdog({
      silenceMs: 30_000,
      onTimeout: ({ message }) => timeouts.push(message),
      clock,
    });
  });

  test('makes the bridge not ready after the allowed silence, until the next event', () => {
    clock.advance(30_000);
    expect(watchdog.unreadyReason()).toBeUndefined();
    clock.advance(1000);
    expect(watchdog.unreadyReason()).toContain('31 s');
    watchdog.touch();
    expect(watchdog.unreadyReason()).toBeUndefined();
  });

  test('reports a hung consumer after 90 seconds of silence, until the next event', () => {
    clock.advance(89_000);
    expect(watchdog.hungReason()).toBeUndefined();
    clock.advance(1000);
    expect(watchdog.hungReason()).toContain('90 s');
    watchdog.touch();
    expect(watchdog.hungReason()).toBeUndefined();
  });

  test('times out once after three minutes of silence', () => {
    clock.advance(179_000);
    watchdog.touch();
    clock.advance(179_000);
    expect(timeouts).toEqual([]);
    clock.advance(300_000);
    expect(timeouts).toEqual([expect.stringContaining('180 s')]);
  });

  test('leaves no timer behind when it is stopped', () => {
    watchdog.stop();
    expect(clock.pending).toBe(0);
  });
});

describe('the stall detector', () => {
  let detector: StallDetector;
  let state: { inFlight: number; finished: number; isDelayKnown: boolean };
  beforeEach(() => {
    state = { inFlight: 0, finished: 0, isDelayKnown: false };
    detector = new StallDetector({
      inFlight: () => state.inFlight,
      finished: () => state.finished,
      isDelayKnown: () => state.isDelayKnown,
      clock,
    });
  });

  test('reports nothing while no message is in flight', () => {
    clock.advance(600_000);
    expect(detector.reason()).toBeUndefined();
  });

  test('reports messages of which none finishes for two minutes, until one finishes', () => {
    state.inFlight = 3;
    clock.advance(119_000);
    expect(detector.reason()).toBeUndefined();
    clock.advance(1000);
    expect(detector.reason()).toMatch(/^3 messages .* 120 s$/);
    state.finished += 1;
    clock.advance(1000);
    expect(detector.reason()).toBeUndefined();
  });

  test('does not count the time during which something is known to delay the messages', () => {
    state.inFlight = 3;
    state.isDelayKnown = true;
    clock.advance(600_000);
    expect(detector.reason()).toBeUndefined();
    state.isDelayKnown = false;
    clock.advance(119_000);
    expect(detector.reason()).toBeUndefined();
    clock.advance(1000);
    expect(detector.reason()).toBeDefined();
  });

  test('leaves no timer behind when it is stopped', () => {
    detector.stop();
    expect(clock.pending).toBe(0);
  });
});
