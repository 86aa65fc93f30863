import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { status } from '@grpc/grpc-js';
import { callWithRetry } from './call-with-retry.ts';
import { hasCode } from './temporal-error.ts';
import { nanoseconds, type Nanoseconds } from './timestamp.ts';
import { isExpressible, quoted } from './visibility-query.ts';

const { WorkerDeploymentVersionStatus, RoutingConfigUpdateState } = proto.temporal.api.enums.v1;

export type VersionState = 'inactive' | 'current' | 'ramping' | 'draining' | 'drained';

/** A version of a worker deployment, as the server has recorded it. */
export interface DeploymentVersion {
  readonly buildId: string;
  readonly state: VersionState;
  /** When its first worker polled. */
  readonly createdAt: Nanoseconds | undefined;
  /** When it first became current or ramping; undefined if it never did. */
  readonly activatedAt: Nanoseconds | undefined;
  /** When it last stopped being current or ramping; undefined while it is either. */
  readonly deactivatedAt: Nanoseconds | undefined;
  /** When the server last checked whether it is drained. */
  readonly drainageCheckedAt: Nanoseconds | undefined;
}

/** How Temporal routes the orders of a worker deployment. An undefined build ID stands for unversioned workers. */
export interface Routing {
  readonly current: string | undefined;
  readonly currentChangedAt: Nanoseconds | undefined;
  readonly ramping: { readonly buildId: string | undefined; readonly percent: number } | undefined;
}

export interface WorkerDeployment {
  readonly name: string;
  readonly routing: Routing;
  /** Whether the task queues still have to receive the latest routing. */
  readonly isPropagating: boolean;
  /** Whether the latest change was made by `deploy rollback`. */
  readonly isRolledBack: boolean;
  readonly versions: readonly DeploymentVersion[];
  /** Changes with the routing. A request with an outdated token is rejected. */
  readonly conflictToken: Uint8Array;
}

/** Reads a deployment; undefined if no worker of it has ever polled. */
export async function readDeployment(
  client: Client,
  deploymentName: string,
): Promise<WorkerDeployment | undefined> {
  const { namespace } = client.options;
  try {
    const answer = await callWithRetry(client, () =>
      client.workflowService.describeWorkerDeployment({ namespace, deploymentName }),
    );
    return deploymentOf(deploymentName, answer);
  } catch (error) {
    if (hasCode(error, status.NOT_FOUND)) return undefined;
    throw error;
  }
}

type Answer = proto.temporal.api.workflowservice.v1.IDescribeWorkerDeploymentResponse;

function deploymentOf(
  name: string,
  { workerDeploymentInfo: info, conflictToken }: Answer,
): WorkerDeployment {
  const routing = info?.routingConfig;
  const rampingVersion = routing?.rampingDeploymentVersion?.buildId || undefined;
  const percent = routing?.rampingVersionPercentage ?? 0;
  return {
    name,
    routing: {
      current: routing?.currentDeploymentVersion?.buildId || undefined,
      currentChangedAt: nanoseconds(routing?.currentVersionChangedTime),
      ramping:
        rampingVersion !== undefined || percent > 0
          ? { buildId: rampingVersion, percent }
          : undefined,
    },
    isPropagating:
      info?.routingConfigUpdateState ===
      RoutingConfigUpdateState.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS,
    isRolledBack: info?.lastModifierIdentity?.startsWith(IDENTITIES.rollback) ?? false,
    versions: (info?.versionSummaries ?? []).map((version) => ({
      buildId: version.deploymentVersion?.buildId ?? '',
      state: STATES.get(version.status ?? 0) ?? 'inactive',
      createdAt: nanoseconds(version.createTime),
      activatedAt: nanoseconds(version.firstActivationTime),
      deactivatedAt: nanoseconds(version.lastDeactivationTime),
      drainageCheckedAt: nanoseconds(version.drainageInfo?.lastCheckedTime),
    })),
    conflictToken: conflictToken ?? new Uint8Array(),
  };
}

const STATES = new Map<number, VersionState>([
  [WorkerDeploymentVersionStatus.WORKER_DEPLOYMENT_VERSION_STATUS_CURRENT, 'current'],
  [WorkerDeploymentVersionStatus.WORKER_DEPLOYMENT_VERSION_STATUS_RAMPING, 'ramping'],
  [WorkerDeploymentVersionStatus.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINING, 'draining'],
  [WorkerDeploymentVersionStatus.WORKER_DEPLOYMENT_VERSION_STATUS_DRAINED, 'drained'],
]);

export type RoutingChange = 'promote' | 'rollback';

const IDENTITIES: Readonly<Record<RoutingChange, string>> = {
  promote: 'order-ingest-deploy@',
  rollback: 'order-ingest-rollback@',
};

/** What the server records as the modifier of a deployment. It is how a later rollback knows of this one. */
const identityOf = (change: RoutingChange) => `${IDENTITIES[change]}${hostname()}`;

/** Makes a version current; undefined stands for unversioned workers. Ends the ramp of that version. */
export const setCurrentVersion = (
  client: Client,
  { name, conflictToken }: WorkerDeployment,
  buildId: string | undefined,
  change: RoutingChange,
): Promise<unknown> =>
  callWithRetry(client, () =>
    client.workflowService.setWorkerDeploymentCurrentVersion({
      namespace: client.options.namespace,
      deploymentName: name,
      buildId: buildId ?? '',
      conflictToken,
      identity: identityOf(change),
    }),
  );

/** Routes this share of the orders to a version, or removes the ramp if `ramping` is undefined. */
export const setRampingVersion = (
  client: Client,
  { name, conflictToken }: WorkerDeployment,
  ramping: { readonly buildId: string; readonly percent: number } | undefined,
  change: RoutingChange,
): Promise<unknown> =>
  callWithRetry(client, () =>
    client.workflowService.setWorkerDeploymentRampingVersion({
      namespace: client.options.namespace,
      deploymentName: name,
      buildId: ramping?.buildId ?? '',
      percentage: ramping?.percent ?? 0,
      conflictToken,
      identity: identityOf(change),
    }),
  );

/**
 * Counts the running workflows that are pinned to a version, which keep it from being drained. Undefined
 * if a query cannot express the version. Temporal's visibility may be a second or more behind.
 */
export async function countPinned(
  client: Client,
  deploymentName: string,
  buildId: string,
): Promise<number | undefined> {
  const version = `${deploymentName}:${buildId}`;
  if (!isExpressible(version)) return undefined;
  const query = `TemporalWorkerDeploymentVersion = ${quoted(version)} AND TemporalWorkflowVersioningBehavior = 'Pinned' AND ExecutionStatus = 'Running'`;
  const { count } = await callWithRetry(client, () =>
    client.workflowService.countWorkflowExecutions({ namespace: client.options.namespace, query }),
  );
  return Number(count);
}
