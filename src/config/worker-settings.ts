import { httpSettings } from './http-settings.ts';
import { choice, integer, settingGroup, text } from './setting.ts';

export const workerSettings = settingGroup({
  localActivitySlots: {
    name: 'WORKER_LOCAL_ACTIVITY_SLOTS',
    schema: integer(1, 1000),
    default: '16',
    description:
      'Maximum number of orders whose first attempts to translate and store run concurrently.',
  },
  activitySlots: {
    name: 'WORKER_ACTIVITY_SLOTS',
    schema: integer(1, 1000),
    default: '8',
    description:
      'Maximum number of orders that are retried concurrently. The connection pool has one connection per slot of both kinds, so that no order waits for a connection, and one to probe Postgres: 25 by default. Make sure that `max_connections` of Postgres allows for all workers.',
  },
  workflowTaskSlots: {
    name: 'WORKER_WORKFLOW_TASK_SLOTS',
    schema: integer(2, 1000),
    default: '40',
    description:
      'Maximum number of workflow tasks that run concurrently. A poll that waits for a task occupies a slot, too: polls of the task queue up to about a quarter of them, and polls of the sticky queue as many. If the network to Temporal is slow, more slots allow more orders per second.',
  },
  maxCachedWorkflows: {
    name: 'WORKER_MAX_CACHED_WORKFLOWS',
    schema: integer(1, 100_000),
    default: '1000',
    description:
      'Maximum number of open workflows kept in memory, and so the maximum that make progress at a time. A workflow that is not cached is replayed from its history. At least 1: without a cache, the SDK would evict each workflow before its local activity ends, and start it again.',
  },
  shutdownGraceMs: {
    name: 'WORKER_SHUTDOWN_GRACE_MS',
    schema: integer(0, 600_000),
    default: '10000',
    description:
      'How long a shutdown waits for activities before it cancels them; Temporal retries them elsewhere. The program ends within five more seconds.',
  },
  ...httpSettings('WORKER', { port: '9465', accepts: '' }),
  deploymentName: {
    name: 'TEMPORAL_DEPLOYMENT_NAME',
    schema: text,
    optional: true,
    description:
      'Name of the worker deployment. Together with the build ID, it enables worker versioning.',
  },
  buildId: {
    name: 'TEMPORAL_BUILD_ID',
    schema: text,
    optional: true,
    description:
      'ID of this build within the deployment, for instance a git commit. Workers of a version receive no orders until the version is current: `order-ingest deploy promote`.',
  },
  versioningBehavior: {
    name: 'TEMPORAL_VERSIONING_BEHAVIOR',
    schema: choice(['AUTO_UPGRADE', 'PINNED']),
    default: 'AUTO_UPGRADE',
    description:
      'What open workflows do when a new version becomes current: move to it (`AUTO_UPGRADE`) or stay on theirs (`PINNED`). An order is retried until it is stored, possibly for days, and should not depend on an old build meanwhile.',
  },
});
