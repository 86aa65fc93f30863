import { pino } from 'pino';
import type { RoutingProblem } from '../../../src/temporal/queue-workers.ts';
import { watchRouting } from '../../../src/worker/watch-routing.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

const NOT_CURRENT = { problem: 'version 1.0 is not current', fix: 'make it current' };
const NOT_POLLED = { problem: 'nothing polls version 2.0', fix: 'start a worker' };

let clock: ManualClock;
let lines: { event: string; problem?: string; remedy?: string }[];
let read: () => Promise<RoutingProblem | undefined>;
let stop: () => void;
beforeEach(() => {
  clock = createManualClock();
  lines = [];
  const logger = pino(
    { base: null },
    { write: (line) => void lines.push(JSON.parse(line) as never) },
  );
  stop = watchRouting(() => read(), logger, clock);
});

const MINUTE_MS = 60_000;
const problems = () => lines.map(({ problem }) => problem);

test('a routing problem is logged at once, and then once per five minutes while it lasts', async () => {
  read = () => Promise.resolve(NOT_CURRENT);
  await clock.advanceAsync(10_000);
  expect(lines).toMatchObject([
    { event: 'orders_not_routed', problem: NOT_CURRENT.problem, remedy: NOT_CURRENT.fix },
  ]);
  await clock.advanceAsync(11 * MINUTE_MS);
  expect(lines).toHaveLength(3);
});

test('a different problem is logged at once', async () => {
  read = () => Promise.resolve(NOT_CURRENT);
  await clock.advanceAsync(10_000);
  read = () => Promise.resolve(NOT_POLLED);
  await clock.advanceAsync(10_000);
  expect(problems()).toEqual([NOT_CURRENT.problem, NOT_POLLED.problem]);
});

test('the end of a problem is logged once', async () => {
  read = () => Promise.resolve(NOT_CURRENT);
  await clock.advanceAsync(10_000);
  read = () => Promise.resolve(undefined);
  await clock.advanceAsync(MINUTE_MS);
  expect(lines.map(({ event }) => event)).toEqual(['orders_not_routed', 'orders_routed']);
});

test('a failed check says nothing about the routing', async () => {
  read = () => Promise.resolve(NOT_CURRENT);
  await clock.advanceAsync(10_000);
  read = () => Promise.reject(new Error('refused'));
  await clock.advanceAsync(MINUTE_MS);
  expect(lines).toHaveLength(1);
  stop();
  expect(clock.pending).toBe(0);
});
