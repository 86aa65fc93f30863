import type { OrderRun } from '../../orders/order-run.ts';
import type { PendingAttempt } from '../../orders/pending-attempt.ts';

/** As `--json` prints it: times in ISO 8601. */
export const runAsJson = (run: OrderRun) => ({
  ...run,
  startedAt: new Date(run.startedAt).toISOString(),
  closedAt: isoTime(run.closedAt),
});

export const pendingAsJson = (pending: PendingAttempt) => ({
  ...pending,
  nextAttemptAt: isoTime(pending.nextAttemptAt),
});

const isoTime = (milliseconds: number | undefined) =>
  milliseconds === undefined ? undefined : new Date(milliseconds).toISOString();
