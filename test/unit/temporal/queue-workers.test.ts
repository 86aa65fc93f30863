import { routingProblem, type QueueWorkers } from '../../../src/temporal/queue-workers.ts';

const v = (buildId: string) => ({ deploymentName: 'orders', buildId });
const worker = (buildId?: string) => ({
  identity: `worker of ${buildId ?? 'no version'}`,
  version: buildId === undefined ? undefined : v(buildId),
});
const problemOf = (workers: Partial<QueueWorkers>) =>
  routingProblem({ pollers: [], current: undefined, ramping: undefined, ...workers }, 'queue');

test('versioned workers without a current version are named, with the command that makes them current', () => {
  expect(problemOf({ pollers: [worker('1.0')] })).toEqual({
    problem:
      'no version of the workers that poll the task queue "queue" (version 1.0 of deployment "orders") is current: orders wait in Temporal',
    remedy: expect.stringContaining(
      'temporal worker deployment set-current-version --deployment-name orders --build-id 1.0',
    ),
  });
});

test('a current version that nobody runs is named', () => {
  const problem = problemOf({ pollers: [worker('2.0')], current: v('1.0') });
  expect(problem?.problem).toContain(
    'Temporal gives all new workflows of the task queue "queue" to version 1.0 of deployment "orders", but only version 2.0',
  );
  expect(problem?.remedy).toContain('--build-id 2.0');
  expect(problem?.remedy).toContain('start workers of version 1.0');
});

test('unversioned workers get nothing while a version is current', () => {
  expect(problemOf({ pollers: [worker()], current: v('1.0') })).toEqual({
    problem: expect.stringContaining('but only unversioned workers poll it'),
    remedy: expect.stringContaining('TEMPORAL_BUILD_ID'),
  });
});

test('a version that is rolled out without workers is named with its share', () => {
  expect(
    problemOf({
      pollers: [worker('1.0')],
      current: v('1.0'),
      ramping: { version: v('2.0'), percent: 10 },
    })?.problem,
  ).toContain('10 % of the new workflows');
  expect(
    problemOf({
      pollers: [worker('2.0')],
      current: v('1.0'),
      ramping: { version: v('2.0'), percent: 10 },
    })?.problem,
  ).toContain('90 % of the new workflows');
});

test.each<[string, Partial<QueueWorkers>]>([
  ['unversioned workers, no current version', { pollers: [worker()] }],
  ['workers of the current version', { pollers: [worker('1.0')], current: v('1.0') }],
  [
    'workers of an older version beside the current ones',
    { pollers: [worker('1.0'), worker('2.0')], current: v('2.0') },
  ],
  [
    'a version that has taken over all',
    {
      pollers: [worker('2.0')],
      current: v('1.0'),
      ramping: { version: v('2.0'), percent: 100 },
    },
  ],
  ['nobody, which is another matter', {}],
])('nothing is wrong with %s', (_, workers) => {
  expect(problemOf(workers)).toBeUndefined();
});
