import { choice, integer, settingGroup, text } from './setting.ts';

export const workerSettings = settingGroup({
  localActivitySlots: {
    name: 'WORKER_LOCAL_ACTIVITY_SLOTS',
    schema: integer(1, 1000),
    default: '16',
    description: 'Orders whose first attempts at translating and storing run at once.',
  },
  activitySlots: {
    name: 'WORKER_ACTIVITY_SLOTS',
    schema: integer(1, 1000),
    default: '8',
    description:
      'Orders that are retried at once. The pool has a connection for each slot of both kinds, so that no order waits for one, and one more to see whether Postgres is there: 25 by default. Mind the `max_connections` of Postgres.',
  },
  workflowTaskSlots: {
    name: 'WORKER_WORKFLOW_TASK_SLOTS',
    schema: integer(2, 1000),
    default: '40',
    description: 'Workflow tasks that run at once.',
  },
  maxCachedWorkflows: {
    name: 'WORKER_MAX_CACHED_WORKFLOWS',
    schema: integer(1, 100_000),
    default: '1000',
    description:
      'Open workflows kept in memory, and so the most that are worked at. One that is not is replayed from its history. With none the SDK would drop each before its local activity has ended, and begin it again.',
  },
  shutdownGraceMs: {
    name: 'WORKER_SHUTDOWN_GRACE_MS',
    schema: integer(0, 600_000),
    default: '10000',
    description:
      'How long a shutdown waits for activities before it cancels them; Temporal runs them again. The program ends within five more seconds.',
  },
  httpHost: {
    name: 'WORKER_HTTP_HOST',
    schema: text,
    default: '127.0.0.1',
    description:
      'Address on which the worker serves `/livez`, `/readyz` and `/metrics`; `0.0.0.0` lets others than this machine ask.',
  },
  httpPort: {
    name: 'WORKER_HTTP_PORT',
    schema: integer(0, 65_535),
    default: '9465',
    description: 'The port of that; 0 takes any free one, which the log names.',
  },
  deploymentName: {
    name: 'TEMPORAL_DEPLOYMENT_NAME',
    schema: text,
    optional: true,
    description: 'Switches worker versioning on, together with the build ID.',
  },
  buildId: {
    name: 'TEMPORAL_BUILD_ID',
    schema: text,
    optional: true,
    description:
      "This build's ID within the deployment, such as a git commit. Workers of a version get no orders until it is current: `temporal worker deployment set-current-version`.",
  },
  versioningBehavior: {
    name: 'TEMPORAL_VERSIONING_BEHAVIOR',
    schema: choice(['AUTO_UPGRADE', 'PINNED']),
    default: 'AUTO_UPGRADE',
    description:
      'What open workflows do when a new version is deployed. An order is retried until it is stored, perhaps for days: it should not hold on to an old build.',
  },
});
