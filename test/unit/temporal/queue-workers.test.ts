import {
  queueProblem,
  routingProblem,
  type QueueWorkers,
} from '../../../src/temporal/queue-workers.ts';

const v = (buildId: string) => ({ deploymentName: 'orders', buildId });
const worker = (buildId?: string) => ({
  identity: `worker of ${buildId ?? 'no version'}`,
  version: buildId === undefined ? undefined : v(buildId),
});
const problemOf = (workers: Partial<QueueWorkers>) =>
  routingProblem({ pollers: [], current: undefined, ramping: undefined, ...workers }, 'queue');

test('reports versioned workers without a current version, with the command that makes them current', () => {
  expect(problemOf({ pollers: [worker('1.0')] })).toEqual({
    problem: expect.stringMatching(/"queue".*version 1\.0 of deployment "orders"/),
    fix: expect.stringContaining(
      'TEMPORAL_DEPLOYMENT_NAME=orders order-ingest deploy promote --build-id 1.0',
    ),
  });
});

test('reports a current version without workers', () => {
  const routing = problemOf({ pollers: [worker('2.0')], current: v('1.0') });
  expect(routing?.problem).toMatch(/all new workflows.*"queue".*version 1\.0.*version 2\.0/);
  expect(routing?.fix).toContain('--build-id 2.0');
  expect(routing?.fix).toContain('version 1.0');
});

test('a worker that has no version, because it starts orders eagerly, is not told to take one', () => {
  const workers = { pollers: [worker()], current: v('1.0'), ramping: undefined };
  const routing = routingProblem(workers, 'queue', true);
  expect(routing?.problem).toContain('re-runs and retries wait in Temporal; new orders do not');
  expect(routing?.fix).toMatch(/^start workers of version 1\.0 of deployment "orders", or run /);
  expect(routing?.fix).not.toContain('TEMPORAL_BUILD_ID');
});

test('reports unversioned workers while a version is current', () => {
  expect(problemOf({ pollers: [worker()], current: v('1.0') })).toEqual({
    problem: expect.stringContaining('unversioned workers'),
    fix: expect.stringContaining('TEMPORAL_BUILD_ID'),
  });
});

test('reports a version that is ramping without workers, with its share', () => {
  expect(
    problemOf({
      pollers: [worker('1.0')],
      current: v('1.0'),
      ramping: { version: v('2.0'), percent: 10 },
    })?.problem,
  ).toContain('10 %');
  expect(
    problemOf({
      pollers: [worker('2.0')],
      current: v('1.0'),
      ramping: { version: v('2.0'), percent: 10 },
    })?.problem,
  ).toContain('90 %');
});

test.each<[string, Partial<QueueWorkers>]>([
  ['unversioned workers without a current version', { pollers: [worker()] }],
  ['workers of the current version', { pollers: [worker('1.0')], current: v('1.0') }],
  [
    'workers of an older version beside the current ones',
    { pollers: [worker('1.0'), worker('2.0')], current: v('2.0') },
  ],
  [
    'a version that has ramped to 100 %',
    {
      pollers: [worker('2.0')],
      current: v('1.0'),
      ramping: { version: v('2.0'), percent: 100 },
    },
  ],
  ['no workers, which is reported elsewhere', {}],
])('reports nothing for %s', (_, workers) => {
  expect(problemOf(workers)).toBeUndefined();
});

test('a queue without any worker is a problem, which names the current version', () => {
  const none = { pollers: [], current: undefined, ramping: undefined };
  expect(queueProblem(none, 'queue')).toEqual({
    problem: expect.stringMatching(/^no worker polls the task queue "queue": /),
    fix: expect.stringContaining('`order-ingest worker`'),
  });
  expect(queueProblem({ ...none, current: v('1.0') }, 'queue')).toEqual({
    problem: expect.stringContaining('version 1.0 of deployment "orders"'),
    fix: expect.stringContaining('start workers of version 1.0'),
  });
});
