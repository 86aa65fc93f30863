import type { WorkerDeployment } from '../../temporal/worker-deployment.ts';

/** What a rollback does. An undefined build ID stands for unversioned workers. */
export type RollbackPlan =
  | { readonly kind: 'remove-ramp'; readonly buildId: string | undefined; readonly percent: number }
  | { readonly kind: 'make-current'; readonly buildId: string | undefined }
  /** The latest change was a rollback already: of a ramp, or from the version `from`. */
  | { readonly kind: 'rolled-back'; readonly from: string | undefined }
  | { readonly kind: 'never-promoted' };

/**
 * Finds what was current before, from the times that the server has recorded. Running a rollback twice
 * does no more than running it once: it never leads to a version that is newer than the current one, and
 * does nothing after the removal of a ramp.
 */
export function planRollback({ routing, versions }: WorkerDeployment): RollbackPlan {
  const { current, currentChangedAt = 0n, ramping, rampingChangedAt = 0n } = routing;
  if (ramping) return { kind: 'remove-ramp', ...ramping };
  if (currentChangedAt === 0n && rampingChangedAt === 0n) return { kind: 'never-promoted' };
  // Making a ramping version current ends its ramp at the same time, so this is the removal of a ramp.
  if (rampingChangedAt > currentChangedAt) return { kind: 'rolled-back', from: undefined };
  // The server records one time for both the end of a version and the begin of the next.
  const previous = versions.find(
    ({ buildId, deactivatedAt }) => buildId !== current && deactivatedAt === currentChangedAt,
  );
  const createdAt = versions.find(({ buildId }) => buildId === current)?.createdAt ?? 0n;
  // Unversioned workers count as older than every version.
  return current === undefined || (previous?.createdAt ?? 0n) > createdAt
    ? { kind: 'rolled-back', from: previous?.buildId }
    : { kind: 'make-current', buildId: previous?.buildId };
}
