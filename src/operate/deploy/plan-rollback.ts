import type { WorkerDeployment } from '../../temporal/worker-deployment.ts';

/** What a rollback does. An undefined build ID stands for unversioned workers. */
export type RollbackPlan =
  | { readonly kind: 'remove-ramp'; readonly buildId: string | undefined; readonly percent: number }
  | { readonly kind: 'make-current'; readonly buildId: string | undefined }
  /** The latest change was a rollback already. */
  | { readonly kind: 'rolled-back' }
  /** No version has been current, or the record of the one before is gone. */
  | { readonly kind: 'no-previous' };

/**
 * Finds what was current before, from the times that the server has recorded. Only the latest change is
 * rolled back: running a rollback twice does no more than running it once.
 */
export function planRollback({ routing, isRolledBack, versions }: WorkerDeployment): RollbackPlan {
  const { current, currentChangedAt, ramping } = routing;
  if (ramping) return { kind: 'remove-ramp', ...ramping };
  if (isRolledBack) return { kind: 'rolled-back' };
  if (currentChangedAt === undefined) return { kind: 'no-previous' };
  const others = versions.filter(({ buildId }) => buildId !== current);
  // The server records one time for both the end of a version and the begin of the next.
  const previous = others.find(({ deactivatedAt }) => deactivatedAt === currentChangedAt);
  if (previous) return { kind: 'make-current', buildId: previous.buildId };
  // Temporal records nothing about unversioned workers, and deletes the record of an old version. Therefore
  // only the very first version is known to have replaced unversioned workers.
  const isFirst = current !== undefined && others.every(({ activatedAt }) => !activatedAt);
  return isFirst ? { kind: 'make-current', buildId: undefined } : { kind: 'no-previous' };
}
