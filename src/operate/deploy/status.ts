import { queueProblem, type RoutingProblem } from '../../temporal/queue-workers.ts';
import { countPinned, type DeploymentVersion } from '../../temporal/worker-deployment.ts';
import { readExisting } from './change-routing.ts';
import { countPollers, type Deployment } from './open-deployment.ts';

export interface VersionStatus extends DeploymentVersion {
  /** Its share of the orders; undefined if it receives none. */
  readonly percent: number | undefined;
  /** How many of its workers poll. */
  readonly workers: number;
  /** How many open orders are pinned to it; undefined if unknown, or if it never was active. */
  readonly pinned: number | undefined;
}

export interface DeploymentStatus {
  readonly deployment: string;
  readonly taskQueue: string;
  /** Newest first. */
  readonly versions: readonly VersionStatus[];
  readonly unversionedWorkers: { readonly workers: number; readonly percent: number };
  /** Why orders wait, if they do. */
  readonly problem: RoutingProblem | undefined;
}

/** Reads the deployment with its workers. Throws an OperatorError if it does not exist. */
export async function readStatus(deployment: Deployment): Promise<DeploymentStatus> {
  const { client, name, taskQueue } = deployment;
  const [{ routing, versions }, workers] = await Promise.all([
    readExisting(deployment),
    deployment.readWorkers(),
  ]);
  const shareOf = (buildId: string | undefined): number => {
    const { current, ramping } = routing;
    if (ramping?.buildId === buildId && ramping) return ramping.percent;
    return current === buildId ? 100 - (ramping?.percent ?? 0) : 0;
  };
  const newestFirst = [...versions].sort((a, b) =>
    (a.createdAt ?? 0n) < (b.createdAt ?? 0n) ? 1 : -1,
  );
  return {
    deployment: name,
    taskQueue,
    versions: await Promise.all(
      newestFirst.map(async (version) => ({
        ...version,
        percent: shareOf(version.buildId) || undefined,
        workers: countPollers(workers, name, version.buildId),
        pinned:
          version.activatedAt === undefined || version.state === 'drained'
            ? undefined
            : await countPinned(client, name, version.buildId),
      })),
    ),
    unversionedWorkers: {
      workers: countPollers(workers, name, undefined),
      percent: shareOf(undefined),
    },
    problem: queueProblem(workers, taskQueue),
  };
}
