import proto from '@temporalio/proto';

/** A worker's poll lasts at most a minute; a poller that has not polled again since then is gone. */
const POLLER_TTL_MS = 90_000;

const { TaskQueueType, WorkerVersioningMode } = proto.temporal.api.enums.v1;

/** A version of a worker deployment. Undefined stands for unversioned workers. */
export type WorkerVersion = { readonly deploymentName: string; readonly buildId: string };

/** The pollers of a task queue, and the versions to which Temporal routes its new workflows. */
export interface QueueWorkers {
  readonly pollers: readonly {
    readonly identity: string;
    readonly version: WorkerVersion | undefined;
  }[];
  readonly current: WorkerVersion | undefined;
  /** The version that is being rolled out, and its share of the new workflows. */
  readonly ramping:
    { readonly version: WorkerVersion | undefined; readonly percent: number } | undefined;
}

type Request = proto.temporal.api.workflowservice.v1.IDescribeTaskQueueRequest;
type Response = proto.temporal.api.workflowservice.v1.IDescribeTaskQueueResponse;

/** Reads the pollers of the queue's workflow tasks, and its routing. */
export async function readQueueWorkers(
  service: { describeTaskQueue(request: Request): Promise<Response> },
  { namespace, taskQueue }: { readonly namespace: string; readonly taskQueue: string },
): Promise<QueueWorkers> {
  const { pollers, versioningInfo } = await service.describeTaskQueue({
    namespace,
    taskQueue: { name: taskQueue },
    taskQueueType: TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
  });
  const since = (Date.now() - POLLER_TTL_MS) / 1000;
  const percent = versioningInfo?.rampingVersionPercentage ?? 0;
  return {
    pollers: (pollers ?? [])
      .filter(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) >= since)
      .map(({ identity, deploymentOptions: options }) => ({
        identity: identity ?? '',
        version:
          options?.workerVersioningMode === WorkerVersioningMode.WORKER_VERSIONING_MODE_VERSIONED
            ? versionOf(options)
            : undefined,
      })),
    current: versionOf(versioningInfo?.currentDeploymentVersion),
    ramping:
      percent > 0
        ? { version: versionOf(versioningInfo?.rampingDeploymentVersion), percent }
        : undefined,
  };
}

const versionOf = (
  version:
    | { readonly deploymentName?: string | null; readonly buildId?: string | null }
    | null
    | undefined,
): WorkerVersion | undefined =>
  version?.buildId
    ? { deploymentName: version.deploymentName ?? '', buildId: version.buildId }
    : undefined;

/** Why new workflows of the queue, or a share of them, wait although workers poll the queue. */
export interface RoutingProblem {
  readonly problem: string;
  readonly fix: string;
}

/**
 * Undefined when every version that gets new workflows has a poller, and when the queue has none at all.
 *
 * @param startsEagerly whether the worker gets the first task of new orders without the queue, and cannot have a version
 */
export function routingProblem(
  { pollers, current, ramping }: QueueWorkers,
  taskQueue: string,
  startsEagerly = false,
): RoutingProblem | undefined {
  if (pollers.length === 0) return undefined;
  const polled = pollers.map(({ version }) => workersOf(version));
  const targets = [
    { version: current, percent: 100 - (ramping?.percent ?? 0) },
    ...(ramping ? [ramping] : []),
  ];
  const unpolled = targets.find(
    ({ version, percent }) => percent > 0 && !polled.includes(workersOf(version)),
  );
  if (!unpolled) return undefined;
  const polling = [...new Set(polled)].join(' and ');
  const isAnyCurrent = targets.some(({ version }) => version !== undefined);
  const reason = isAnyCurrent
    ? `Temporal routes ${unpolled.percent === 100 ? 'all' : `${unpolled.percent} % of the`} new workflows of the task queue "${taskQueue}" to ${named(unpolled.version)}, but only ${polling} poll it`
    : `the task queue "${taskQueue}" has no current version; ${polling} poll it`;
  if (startsEagerly) {
    return {
      problem: `${reason}: re-runs and retries wait in Temporal; new orders do not, because \`order-ingest run\` starts them eagerly`,
      fix: `start ${workersOf(unpolled.version)}, or run \`order-ingest bridge\` and \`order-ingest worker\` of the current version instead of \`order-ingest run\`, which cannot have a version`,
    };
  }
  return {
    problem: `${reason}: orders wait in Temporal`,
    fix: `${makeCurrent(pollers)}; or start ${workersOf(unpolled.version)}`,
  };
}

/** As `routingProblem`; a queue without any worker is a problem, too. */
export function queueProblem(workers: QueueWorkers, taskQueue: string): RoutingProblem | undefined {
  const { pollers, current } = workers;
  if (pollers.length > 0) return routingProblem(workers, taskQueue);
  return {
    problem: `no worker polls the task queue "${taskQueue}"${current ? `, and Temporal routes new workflows to ${named(current)}` : ''}: orders wait in Temporal`,
    fix: current
      ? `start ${workersOf(current)}; or start workers of another version and make it current: order-ingest deploy promote`
      : 'start a worker: `order-ingest worker`; bridge and worker must have the same TEMPORAL_TASK_QUEUE',
  };
}

/** How to route the orders to the workers that poll. */
function makeCurrent(pollers: QueueWorkers['pollers']): string {
  const version = pollers.find((poller) => poller.version)?.version;
  return version
    ? `make the version current: TEMPORAL_DEPLOYMENT_NAME=${version.deploymentName} order-ingest deploy promote --build-id ${version.buildId}`
    : 'set TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_BUILD_ID of the workers to those of the current version';
}

/** Where Temporal routes to. */
const named = (version: WorkerVersion | undefined): string =>
  version
    ? `version ${version.buildId} of deployment "${version.deploymentName}"`
    : 'unversioned workers';

const workersOf = (version: WorkerVersion | undefined): string =>
  version ? `workers of ${named(version)}` : 'unversioned workers';
