import { setTimeout as delay } from 'node:timers/promises';
import { counted, isOrAre } from '../../program/counted.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { isoTime } from '../../temporal/timestamp.ts';
import {
  countPinned,
  setCurrentVersion,
  setRampingVersion,
  type Routing,
  type WorkerDeployment,
} from '../../temporal/worker-deployment.ts';
import { changeRouting, propagated, readExisting } from './change-routing.ts';
import { countPollers, type Deployment } from './open-deployment.ts';

const POLL_MS = 1000;

export interface Promotion {
  /** False if the routing was as wanted already. */
  readonly changed: boolean;
  /** What was current before; an undefined build ID stands for unversioned workers. */
  readonly replaced: { readonly buildId: string | undefined };
  readonly routing: Routing;
  /** Whether some task queues did not follow before the deadline: they still use the routing before. */
  readonly isPropagating: boolean;
}

/**
 * Makes a version current, or routes a share of the orders to it. Waits until its workers poll. Throws an
 * OperatorError.
 *
 * @param deadline in milliseconds since 1970
 * @param onWait called once, if it has to wait
 */
export async function promote(
  deployment: Deployment,
  buildId: string,
  percent: number | undefined,
  deadline: number,
  onWait: () => void,
): Promise<Promotion> {
  const read = await untilPolling(deployment, buildId, deadline, onWait);
  const { routing } = read;
  const isDone = ({ current, ramping }: Routing) =>
    percent === undefined
      ? current === buildId
      : ramping?.buildId === buildId && ramping.percent === percent;
  if (percent !== undefined && routing.current === buildId) throw alreadyCurrent(buildId);
  if (isDone(routing)) {
    const { isPropagating } = await propagated(deployment, deadline);
    const replaced = { buildId: previousOf(read, buildId) };
    return { changed: false, replaced, routing, isPropagating };
  }
  const changed = await changeRouting(
    deployment,
    read,
    (latest) =>
      percent === undefined
        ? setCurrentVersion(deployment.client, latest, buildId, 'promote')
        : setRampingVersion(deployment.client, latest, { buildId, percent }, 'promote'),
    isDone,
    deadline,
  );
  return {
    changed: true,
    replaced: { buildId: routing.current },
    routing: changed.routing,
    isPropagating: changed.isPropagating,
  };
}

/** What the current version has replaced: the server ends the one when it starts the other. */
const previousOf = ({ routing, versions }: WorkerDeployment, buildId: string) =>
  versions.find(
    (version) =>
      version.buildId !== buildId &&
      version.deactivatedAt !== undefined &&
      version.deactivatedAt === routing.currentChangedAt,
  )?.buildId;

/**
 * Waits until workers of the version poll. The server itself only checks that they have polled at some
 * time, and would route orders to a version whose workers have been stopped.
 */
async function untilPolling(
  deployment: Deployment,
  buildId: string,
  deadline: number,
  onWait: () => void,
): Promise<WorkerDeployment> {
  for (let isFirst = true; ; isFirst = false) {
    const [read, workers] = await Promise.all([deployment.read(), deployment.readWorkers()]);
    const isKnown = read?.versions.some((version) => version.buildId === buildId) ?? false;
    if (read && isKnown && countPollers(workers, deployment.name, buildId) > 0) return read;
    if (Date.now() >= deadline) throw notPolling(deployment, buildId);
    if (isFirst) onWait();
    await delay(POLL_MS);
  }
}

export const notPolling = ({ name, taskQueue }: Deployment, buildId: string): OperatorError =>
  new OperatorError(
    'DEPLOYMENT_VERSION_NOT_POLLING',
    `No worker of version ${buildId} of deployment "${name}" polls the task queue "${taskQueue}"; nothing was changed`,
    `start workers with TEMPORAL_DEPLOYMENT_NAME=${name} and TEMPORAL_BUILD_ID=${buildId}, look at their logs if they run, and run the command again`,
  );

const alreadyCurrent = (buildId: string) =>
  new OperatorError(
    'DEPLOYMENT_CHANGE_REFUSED',
    `Version ${buildId} is current and receives all orders, so it cannot receive a share of them`,
    'run `order-ingest deploy rollback` to return to the version before, or name another version with --build-id',
  );

/**
 * Waits until the server reports that the version is drained: no open order is pinned to it. Throws an
 * OperatorError at the deadline.
 *
 * @param onProgress called with a sentence about each reading
 */
export async function untilDrained(
  deployment: Deployment,
  buildId: string,
  deadline: number,
  onProgress: (text: string) => void,
): Promise<void> {
  const { client, name } = deployment;
  for (;;) {
    const { versions } = await readExisting(deployment);
    const version = versions.find((candidate) => candidate.buildId === buildId);
    // The server deletes old versions that are drained.
    if (!version || version.state === 'drained') return;
    if (version.state !== 'draining') throw activeAgain(buildId);
    const pinned = await countPinned(client, name, buildId);
    const checked = isoTime(version.drainageCheckedAt) ?? 'never';
    if (Date.now() >= deadline) throw notDrained(name, buildId, pinned);
    onProgress(
      `waiting until version ${buildId} is drained: ${openOrders(pinned)} to it; last checked by Temporal at ${checked}`,
    );
    await delay(POLL_MS);
  }
}

const openOrders = (count: number | undefined) =>
  count === undefined
    ? 'an unknown number of open orders are pinned'
    : `${counted(count, 'open order')} ${isOrAre(count)} pinned`;

const notDrained = (name: string, buildId: string, pinned: number | undefined) =>
  new OperatorError(
    'DEPLOYMENT_NOT_DRAINED',
    `Temporal does not report version ${buildId} of deployment "${name}" as drained yet: ${openOrders(pinned)} to it. The new routing is in effect`,
    pinned === 0
      ? 'Temporal checks every few minutes (3 by default, and not before 3 have passed): run the command again to continue waiting'
      : 'keep the workers of the version running, and run the command again to continue waiting; docs/upgrades/workers.md has the command that moves the orders to the current version',
  );

const activeAgain = (buildId: string) =>
  new OperatorError(
    'DEPLOYMENT_CHANGED',
    `Version ${buildId} has become current or ramping again, so it does not drain`,
    'look at `order-ingest deploy status`',
  );
