import { jest } from '@jest/globals';
import { watchProgress, type ProgressWatch } from '../../../src/bridge/progress-watch.ts';

let watch: ProgressWatch;
let state: { inFlight: number; finished: number; isHeldUp: boolean };
beforeEach(() => {
  jest.useFakeTimers();
  state = { inFlight: 0, finished: 0, isHeldUp: false };
  watch = watchProgress({
    inFlight: () => state.inFlight,
    finished: () => state.finished,
    isHeldUp: () => state.isHeldUp,
  });
});
afterEach(() => {
  watch.dispose();
  jest.useRealTimers();
});

test('a loop without messages is not stuck', () => {
  jest.advanceTimersByTime(600_000);
  expect(watch.reason()).toBeUndefined();
});

test('messages that come to no end for two minutes, with nothing in their way, are told', () => {
  state.inFlight = 3;
  jest.advanceTimersByTime(119_000);
  expect(watch.reason()).toBeUndefined();
  jest.advanceTimersByTime(1000);
  expect(watch.reason()).toBe('3 messages are under way, and none has been finished for 120 s');
  state.finished += 1;
  jest.advanceTimersByTime(1000);
  expect(watch.reason()).toBeUndefined();
});

test('waiting for a dependency that is away is right', () => {
  state.inFlight = 3;
  state.isHeldUp = true;
  jest.advanceTimersByTime(600_000);
  expect(watch.reason()).toBeUndefined();
  state.isHeldUp = false;
  jest.advanceTimersByTime(60_000);
  expect(watch.reason()).toBeUndefined();
});
