import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';

/**
 * Local activities run inside the workflow task: an order that is stored at once costs Temporal no more
 * than an empty workflow. Three short attempts outlast a deadlock, a dropped connection or the connections
 * refused during a failover. Temporal does not show these attempts, so there are few of them.
 */
export const LOCAL_OPTIONS: LocalActivityOptions = {
  // More than the defaults of DATABASE_CONNECT_TIMEOUT_MS and DATABASE_STATEMENT_TIMEOUT_MS together.
  startToCloseTimeout: '6s',
  retry: { maximumAttempts: 3, initialInterval: '100ms', backoffCoefficient: 3 },
};

/**
 * Regular activities follow when the local attempts have failed. The Temporal UI shows their attempts and
 * the latest failure. They are retried without limit: Postgres may be down for long, and the order must
 * still be stored. The interval is at most a minute, so that orders are stored within a minute of recovery.
 */
export const REGULAR_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '30s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
};
