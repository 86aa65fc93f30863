import { OperatorError } from '../../program/operator-error.ts';
import {
  setCurrentVersion,
  setRampingVersion,
  type Routing,
} from '../../temporal/worker-deployment.ts';
import { changeRouting, readExisting } from './change-routing.ts';
import { countPollers, type Deployment } from './open-deployment.ts';
import { planRollback, type RollbackPlan } from './plan-rollback.ts';
import { notPolling } from './promote.ts';

/** How long a rollback waits for the task queues to follow, in milliseconds. */
const PROPAGATION_MS = 30_000;

export interface Rollback {
  readonly plan: RollbackPlan;
  readonly before: Routing;
  readonly after: Routing;
}

/**
 * Removes the ramp if there is one, else makes current what was current before. Refuses to route orders to
 * workers that do not poll. Throws an OperatorError.
 */
export async function rollBack(deployment: Deployment): Promise<Rollback> {
  const { client, name, taskQueue } = deployment;
  const read = await readExisting(deployment);
  const plan = planRollback(read);
  const before = read.routing;
  const deadline = Date.now() + PROPAGATION_MS;
  const workers = await deployment.readWorkers();
  const isPolled = (buildId: string | undefined) => countPollers(workers, name, buildId) > 0;
  switch (plan.kind) {
    case 'remove-ramp': {
      if (!isPolled(before.current)) throw targetNotPolling(deployment, before.current);
      const { routing } = await changeRouting(
        deployment,
        read,
        (latest) => setRampingVersion(client, latest, undefined),
        ({ ramping }) => ramping === undefined,
        deadline,
      );
      return { plan, before, after: routing };
    }
    case 'make-current': {
      const { buildId } = plan;
      if (!isPolled(buildId)) throw targetNotPolling(deployment, buildId);
      const { routing } = await changeRouting(
        deployment,
        read,
        (latest) => setCurrentVersion(client, latest, buildId),
        ({ current }) => current === buildId,
        deadline,
      );
      return { plan, before, after: routing };
    }
    case 'rolled-back':
      return { plan, before, after: before };
    case 'never-promoted':
      throw new OperatorError(
        'DEPLOYMENT_NO_PREVIOUS_VERSION',
        `No version of deployment "${name}" has ever been current, so there is nothing to roll back on the task queue "${taskQueue}"`,
        'make a version current: `order-ingest deploy promote --build-id ID`',
      );
    default:
      return plan satisfies never;
  }
}

const targetNotPolling = (deployment: Deployment, buildId: string | undefined) =>
  buildId === undefined
    ? new OperatorError(
        'DEPLOYMENT_NO_PREVIOUS_VERSION',
        `Temporal has no record of a version before the current one of deployment "${deployment.name}", and no unversioned workers poll the task queue "${deployment.taskQueue}"; nothing was changed`,
        'start the workers of the version to return to, then make it current: `order-ingest deploy promote --build-id ID`',
      )
    : notPolling(deployment, buildId);
