import { setTimeout as delay } from 'node:timers/promises';
import { status } from '@grpc/grpc-js';
import { OperatorError } from '../../program/operator-error.ts';
import { grpcErrorOf, hasCode } from '../../temporal/temporal-error.ts';
import type { Routing, WorkerDeployment } from '../../temporal/worker-deployment.ts';
import { deploymentNotFound, type Deployment } from './open-deployment.ts';

const POLL_MS = 500;
/** The server needs a second or two. It never finishes where a version without a task queue was current. */
const PROPAGATION_MS = 30_000;

/**
 * Changes the routing of a deployment that has been read, and returns the deployment once its task queues
 * follow, or at the deadline. Throws an OperatorError if somebody else has changed the routing since it was
 * read.
 *
 * @param isDone whether the routing is as wanted. A change whose answer was lost has been made nevertheless.
 * @param deadline while the server refuses because it does not know all task queues of new workers yet, the
 *   change is repeated until this time, in milliseconds since 1970
 */
export async function changeRouting(
  deployment: Deployment,
  read: WorkerDeployment,
  change: (current: WorkerDeployment) => Promise<unknown>,
  isDone: (routing: Routing) => boolean,
  deadline: number,
): Promise<WorkerDeployment> {
  let latest = read;
  for (;;) {
    const isLast = Date.now() >= deadline;
    try {
      await change(latest);
      return await propagated(deployment, deadline);
    } catch (error) {
      if (!hasCode(error, status.FAILED_PRECONDITION)) throw error;
      latest = await readExisting(deployment);
      if (isDone(latest.routing)) return propagated(deployment, deadline);
      if (!isSameRouting(latest.routing, read.routing)) throw changedMeanwhile(deployment, error);
      if (isLast || !isTransient(error)) throw error;
    }
    await delay(POLL_MS);
  }
}

/** Refusals that end by themselves: workers that have just started, a token that another change outdated. */
const isTransient = (error: unknown): boolean =>
  /missing active task queues|conflict token/i.test(grpcErrorOf(error)?.details ?? '');

const isSameRouting = (a: Routing, b: Routing): boolean =>
  a.current === b.current &&
  a.ramping?.buildId === b.ramping?.buildId &&
  a.ramping?.percent === b.ramping?.percent;

/**
 * From 1.30 on, the server informs the task queues after its answer. If they do not follow within 30 seconds,
 * or until the deadline, `isPropagating` of the returned deployment is true.
 */
export async function propagated(
  deployment: Deployment,
  deadline: number,
): Promise<WorkerDeployment> {
  const giveUpAt = Math.min(deadline, Date.now() + PROPAGATION_MS);
  for (;;) {
    const latest = await readExisting(deployment);
    if (!latest.isPropagating || Date.now() >= giveUpAt) return latest;
    await delay(POLL_MS);
  }
}

export async function readExisting(deployment: Deployment): Promise<WorkerDeployment> {
  const read = await deployment.read();
  if (!read) throw deploymentNotFound(deployment);
  return read;
}

const changedMeanwhile = ({ name }: Deployment, cause: unknown) =>
  new OperatorError(
    'DEPLOYMENT_CHANGED',
    `Somebody else has changed the routing of deployment "${name}" at the same time; nothing was changed`,
    'look at `order-ingest deploy status`, then run the command again if it is still needed',
    { cause },
  );
