import { jest } from '@jest/globals';
import { watchForSigns, type LifeSigns } from '../../../../src/telemetry/health/watchdog.ts';

let signs: LifeSigns;
let deaths: string[];
beforeEach(() => {
  jest.useFakeTimers();
  deaths = [];
  signs = watchForSigns({
    silenceMs: 30_000,
    onDeath: ({ message }) => deaths.push(message),
  });
});
afterEach(() => {
  signs.dispose();
  jest.useRealTimers();
});

test('a consumer that is silent makes the bridge not ready, and is ready again at its next sign', () => {
  signs.sign();
  expect(signs.reason()).toBeUndefined();
  jest.advanceTimersByTime(31_000);
  expect(signs.reason()).toBe('no heartbeat and no fetch has ended for 31 s');
  signs.sign();
  expect(signs.reason()).toBeUndefined();
});

test('three minutes of silence are told, once', () => {
  jest.advanceTimersByTime(179_000);
  signs.sign();
  jest.advanceTimersByTime(179_000);
  expect(deaths).toEqual([]);
  jest.advanceTimersByTime(300_000);
  expect(deaths).toEqual(['no sign of life for 180 s']);
});

test('a minute and a half of silence counts as hung, long before the bridge ends for it', () => {
  signs.sign();
  jest.advanceTimersByTime(89_000);
  expect(signs.hangs()).toBeUndefined();
  jest.advanceTimersByTime(1000);
  expect(signs.hangs()).toBe('the consumer has given no sign of life for 90 s');
  signs.sign();
  expect(signs.hangs()).toBeUndefined();
});
