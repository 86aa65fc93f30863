import { ratesBetween } from '../../../src/operate/top/rates.ts';
import type { Sample } from '../../../src/operate/top/sample.ts';

const sample = (at: number, changes: Partial<Sample> = {}): Sample => ({
  at,
  kafka: { ok: true, value: { committed: 10, end: 30, lag: 20, offline: [], topics: [] } },
  temporal: { ok: true, value: { running: 1, delayed: 0, completed: 5, failed: 2, failures: [] } },
  postgres: { ok: true, value: { inserted: 7 } },
  bridges: [],
  ...changes,
});

const down = { ok: false, error: 'connect ECONNREFUSED' } as const;

test('divides what was added between two samples by the seconds between them', () => {
  const now = sample(3000, {
    kafka: { ok: true, value: { committed: 14, end: 50, lag: 36, offline: [], topics: [] } },
    temporal: {
      ok: true,
      value: { running: 3, delayed: 0, completed: 8, failed: 3, failures: [] },
    },
    postgres: { ok: true, value: { inserted: 9 } },
  });
  expect(ratesBetween(sample(1000), now)).toEqual({
    arrived: 10,
    read: 2,
    started: 3,
    stored: 1,
    failed: 0.5,
  });
});

test.each([
  ['earlier', sample(1000, { temporal: down }), sample(2000)],
  ['later', sample(1000), sample(2000, { temporal: down })],
])(
  'a rate is unknown if the %s sample lacks the value, and the others are not',
  (_, before, now) => {
    expect(ratesBetween(before, now)).toEqual({
      arrived: 0,
      read: 0,
      started: undefined,
      stored: 0,
      failed: undefined,
    });
  },
);

test('no rate is known between two samples of the same time', () => {
  expect(Object.values(ratesBetween(sample(1000), sample(1000)))).toEqual([
    undefined,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test('a count that has decreased, as after retention has deleted workflows, is a rate of zero', () => {
  const now = sample(2000, {
    temporal: {
      ok: true,
      value: { running: 0, delayed: 0, completed: 0, failed: 0, failures: [] },
    },
  });
  expect(ratesBetween(sample(1000), now)).toMatchObject({ started: 0, failed: 0 });
});
