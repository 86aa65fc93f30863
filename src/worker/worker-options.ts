import type { WorkerOptions } from '@temporalio/worker';
import type { WORKER_ROLE } from '../config/roles.ts';
import type { Settings } from '../config/read-settings.ts';
import { longestStatementMs } from '../config/timeouts.ts';
import { OperatorError } from '../program/operator-error.ts';
import type { EagerSlots } from './eager-slots.ts';

/** Time limit of one regular attempt to store an order: `startToCloseTimeout` in workflows/retry-policies.ts. */
export const STORE_ATTEMPT_MS = 30_000;

/** What remains of an attempt for reporting its result. */
const REPORT_MS = 2000;
const MAX_WAIT_MS = 20_000;

/** How long an attempt to store an order may wait for Postgres and still make its statement in time. */
export const storeWaitMs = (database: Settings<typeof WORKER_ROLE>['database']): number =>
  Math.min(MAX_WAIT_MS, Math.max(0, STORE_ATTEMPT_MS - longestStatementMs(database) - REPORT_MS));

type WorkerSettings = Settings<typeof WORKER_ROLE>['worker'];

/**
 * A poller occupies a slot while it waits. During an outage the SDK adds pollers of the sticky queue, which has the
 * second tasks of orders that are retried, and it prefers that queue for a while afterwards (sdk-rust#1579): without a
 * maximum these pollers take all slots, and nobody polls the task queue for seconds at a time.
 */
function workflowTaskPollers(settings: WorkerSettings, eagerSlots?: EagerSlots) {
  const { workflowTaskSlots, maxCachedWorkflows } = settings;
  // A worker uses no more slots than the workflows that it caches.
  const slots = Math.min(eagerSlots?.polled ?? workflowTaskSlots, maxCachedWorkflows);
  // Each kind occupies one slot more than it polls.
  const maximum = Math.max(1, Math.round(slots / 4));
  return { type: 'autoscaling', maximum, initial: Math.min(5, maximum) } as const;
}

/** How a worker gets its tasks. */
export const pollerOptions = (settings: WorkerSettings, eagerSlots?: EagerSlots) =>
  ({
    maxCachedWorkflows: settings.maxCachedWorkflows,
    // An order takes one workflow task, which comes from the task queue that all workers share. Most of a
    // fixed number of pollers would wait on sticky queues instead, for second tasks of cached workflows.
    workflowTaskPollerBehavior: workflowTaskPollers(settings, eagerSlots),
    shutdownGraceTime: settings.shutdownGraceMs,
  }) satisfies Partial<WorkerOptions>;

/** How much a new worker does concurrently. */
export const slotSuppliers = (settings: WorkerSettings, eagerSlots?: EagerSlots) => {
  const fixed = (numSlots: number) => ({ type: 'fixed-size' as const, numSlots });
  return {
    workflowTaskSlotSupplier: eagerSlots?.forNewWorker() ?? fixed(settings.workflowTaskSlots),
    activityTaskSlotSupplier: fixed(settings.activitySlots),
    localActivityTaskSlotSupplier: fixed(settings.localActivitySlots),
    nexusTaskSlotSupplier: fixed(1),
  } satisfies WorkerOptions['tuner'];
};

/** One connection per activity slot of both kinds, and one for the probe of Postgres. */
export const poolSize = (settings: WorkerSettings): number =>
  settings.localActivitySlots + settings.activitySlots + 1;

/** Worker versioning, if the settings name a deployment and a build. */
export function deploymentOptions(
  settings: WorkerSettings,
): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  const { deploymentName, buildId, versioningBehavior } = settings;
  if (deploymentName === undefined && buildId === undefined) return {};
  if (deploymentName === undefined || buildId === undefined) {
    throw new OperatorError(
      'SETTINGS_INVALID',
      'Only one of TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_BUILD_ID is set',
      'set both to use worker versioning, or neither',
    );
  }
  return {
    workerDeploymentOptions: {
      version: { deploymentName, buildId },
      useWorkerVersioning: true,
      defaultVersioningBehavior: versioningBehavior,
    },
  };
}
