import type { WorkerOptions } from '@temporalio/worker';
import type { WORKER_ROLE } from '../config/roles.ts';
import type { Settings } from '../config/read-settings.ts';
import { OperatorError } from '../program/operator-error.ts';

/** What a regular attempt at storing an order may take: `PATIENT_ATTEMPTS.startToCloseTimeout`. */
export const STORE_ATTEMPT_MS = 30_000;

type WorkerSettings = Settings<typeof WORKER_ROLE>['worker'];

/** How much a worker does at once. The pool has a connection for every activity slot. */
export const concurrencyOptions = (settings: WorkerSettings) =>
  ({
    maxConcurrentLocalActivityExecutions: settings.localActivitySlots,
    maxConcurrentActivityTaskExecutions: settings.activitySlots,
    maxConcurrentWorkflowTaskExecutions: settings.workflowTaskSlots,
    maxCachedWorkflows: settings.maxCachedWorkflows,
    // An order takes one workflow task, from the queue that all workers share. Of a fixed number of
    // pollers most would wait for a second task of workflows that are in the cache.
    workflowTaskPollerBehavior: { type: 'autoscaling' },
    shutdownGraceTime: settings.shutdownGraceMs,
  }) satisfies Partial<WorkerOptions>;

/** A connection for each slot, and one to see whether Postgres is there. */
export const poolSize = (settings: WorkerSettings): number =>
  settings.localActivitySlots + settings.activitySlots + 1;

/** Worker versioning, when the settings name a deployment and a build. */
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
