import { hash } from 'node:crypto';
import fc from 'fast-check';
import { checkPreferences } from '../../../src/order-module/start-preferences.ts';

test('preferences that Temporal accepts are used as they are', () => {
  const start = { priority: 1, fairnessKey: 'C-7', fairnessWeight: 2.5, startDelayMs: 1500 };
  expect(checkPreferences(start)).toEqual({ start, problems: [] });
  const limits = { priority: 5, fairnessKey: 'é'.repeat(32), fairnessWeight: 0.001 };
  expect(checkPreferences(limits)).toEqual({ start: limits, problems: [] });
  expect(checkPreferences(undefined)).toEqual({ start: undefined, problems: [] });
});

test.each([
  ['priority', 0],
  ['priority', 6],
  ['priority', 2.5],
  ['priority', '1'],
  ['fairnessKey', 7],
  ['fairnessWeight', 0],
  ['fairnessWeight', Number.NaN],
  ['fairnessWeight', '2'],
  ['startDelayMs', -1],
  ['startDelayMs', Number.NaN],
  ['startDelayMs', '1h'],
])('%s %p is left out, and the others are used', (name, value) => {
  const others = { priority: 2, fairnessKey: 'C-7' };
  const expected = Object.fromEntries(Object.entries(others).filter(([key]) => key !== name));
  expect(checkPreferences({ ...others, [name]: value })).toEqual({
    start: expected,
    problems: [expect.stringMatching(`^${name}: expected .*; left out$`)],
  });
});

test.each([
  ['fairnessWeight', 1e-9, 0.001],
  ['fairnessWeight', Infinity, 1000],
  ['startDelayMs', Infinity, 31_536_000_000],
  ['startDelayMs', Date.now(), 31_536_000_000],
])('%s %p is limited', (name, value, limit) => {
  expect(checkPreferences({ [name]: value })).toEqual({
    start: { [name]: limit },
    problems: [expect.stringMatching(`^${name}: .*; limited$`)],
  });
});

test.each([
  ['too long', 'x'.repeat(65)],
  ['too long in UTF-8', 'é'.repeat(33)],
  ['with a NUL', 'a\0b'],
  ['with a lone surrogate', '\ud800'],
])('a fairness key %s becomes its hash, and no problem quotes it', (_, fairnessKey) => {
  const { start, problems } = checkPreferences({ fairnessKey });
  expect(start).toEqual({ fairnessKey: hash('sha256', fairnessKey) });
  expect(problems).toEqual([expect.not.stringContaining(fairnessKey)]);
});

test('an empty preference is none', () => {
  const empty = { priority: undefined, fairnessKey: '', fairnessWeight: null, startDelayMs: 0 };
  expect(checkPreferences(empty)).toEqual({ start: {}, problems: [] });
});

test('whatever a module returns, the result is within the limits', () => {
  const anything = fc.oneof(fc.anything(), fc.double(), fc.string());
  const preferences = fc.oneof(
    anything,
    fc.record({
      priority: anything,
      fairnessKey: anything,
      fairnessWeight: anything,
      startDelayMs: anything,
    }),
  );
  fc.assert(
    fc.property(preferences, (given) => {
      const { priority = 3, fairnessKey = '', ...rest } = checkPreferences(given).start ?? {};
      const { fairnessWeight = 1, startDelayMs = 0 } = rest;
      expect([1, 2, 3, 4, 5]).toContain(priority);
      expect(Buffer.byteLength(fairnessKey)).toBeLessThanOrEqual(64);
      expect(fairnessKey.isWellFormed()).toBe(true);
      expect(fairnessWeight >= 0.001 && fairnessWeight <= 1000).toBe(true);
      expect(Number.isInteger(startDelayMs) && startDelayMs >= 0).toBe(true);
    }),
  );
});
