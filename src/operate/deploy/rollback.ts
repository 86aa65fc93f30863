import { OperatorError } from '../../program/operator-error.ts';
import {
  setCurrentVersion,
  setRampingVersion,
  type Routing,
} from '../../temporal/worker-deployment.ts';
import { changeRouting, propagated, readExisting } from './change-routing.ts';
import { countPollers, versionName, type Deployment } from './open-deployment.ts';
import { planRollback, type RollbackPlan } from './plan-rollback.ts';
import { notPolling } from './promote.ts';

/** How long a rollback waits for the task queues to follow, in milliseconds. */
const PROPAGATION_MS = 30_000;

export interface Rollback {
  readonly plan: Exclude<RollbackPlan, { kind: 'no-previous' }>;
  readonly before: Routing;
  readonly after: Routing;
  /** Whether some task queues did not follow in time: they still use the routing before. */
  readonly isPropagating: boolean;
  /** Whether no worker of the current version polls, so that orders wait. */
  readonly isUnpolled: boolean;
}

/**
 * Removes the ramp if there is one, else makes current what was current before. Refuses to make a version
 * current that no worker polls for. Throws an OperatorError.
 */
export async function rollBack(deployment: Deployment): Promise<Rollback> {
  const { client, name, taskQueue } = deployment;
  const read = await readExisting(deployment);
  const plan = planRollback(read);
  const before = read.routing;
  const deadline = Date.now() + PROPAGATION_MS;
  const isPolled = async (buildId: string | undefined) =>
    countPollers(await deployment.readWorkers(), name, buildId) > 0;
  switch (plan.kind) {
    case 'remove-ramp': {
      // The current version receives most of the orders already, so the ramp ends whether its workers poll or not.
      const { routing, isPropagating } = await changeRouting(
        deployment,
        read,
        (latest) => setRampingVersion(client, latest, undefined, 'rollback'),
        ({ ramping }) => ramping === undefined,
        deadline,
      );
      const isUnpolled = await isPolled(routing.current).then(
        (polled) => !polled,
        () => false,
      );
      return { plan, before, after: routing, isPropagating, isUnpolled };
    }
    case 'make-current': {
      const { buildId } = plan;
      if (!(await isPolled(buildId))) throw targetNotPolling(deployment, buildId);
      const { routing, isPropagating } = await changeRouting(
        deployment,
        read,
        (latest) => setCurrentVersion(client, latest, buildId, 'rollback'),
        ({ current }) => current === buildId,
        deadline,
      );
      return { plan, before, after: routing, isPropagating, isUnpolled: false };
    }
    case 'rolled-back': {
      const { isPropagating } = await propagated(deployment, deadline);
      return { plan, before, after: before, isPropagating, isUnpolled: false };
    }
    case 'no-previous':
      throw new OperatorError(
        'DEPLOYMENT_NO_PREVIOUS_VERSION',
        before.currentChangedAt === undefined
          ? `No version of deployment "${name}" has ever been current, so there is nothing to roll back on the task queue "${taskQueue}"`
          : `Temporal has no record of what was current before ${versionName(before.current)} in deployment "${name}"; nothing was changed`,
        'name the version to route the orders to: `order-ingest deploy promote --build-id ID`',
      );
    default:
      return plan satisfies never;
  }
}

const targetNotPolling = (deployment: Deployment, buildId: string | undefined) =>
  buildId === undefined
    ? new OperatorError(
        'DEPLOYMENT_NO_PREVIOUS_VERSION',
        `The current version is the first of deployment "${deployment.name}" to receive orders, and no unversioned workers poll the task queue "${deployment.taskQueue}"; nothing was changed`,
        'start the workers of the version to return to, then make it current: `order-ingest deploy promote --build-id ID`',
      )
    : notPolling(deployment, buildId);
