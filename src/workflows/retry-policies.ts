import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';

/**
 * The first attempts run inside the workflow task: an order that meets no trouble costs the server
 * no more than an empty workflow. They must be quick, since Temporal shows none of them, and three
 * of them outlast what passes at once: a deadlock, a fail-over's refused connection, a dropped
 * socket.
 */
export const LOCAL_OPTIONS: LocalActivityOptions = {
  // More than DATABASE_CONNECT_TIMEOUT_MS and DATABASE_STATEMENT_TIMEOUT_MS together.
  startToCloseTimeout: '6s',
  retry: { maximumAttempts: 3, initialInterval: '100ms', backoffCoefficient: 3 },
};

/**
 * After that an attempt is a regular activity, whose retries stand in the Temporal UI with their
 * count and their last failure. It never gives up: an order that Postgres cannot take now is one
 * for later. Waiting stops growing at a minute, so that orders flow within a minute of a repair.
 */
export const REGULAR_OPTIONS: ActivityOptions = {
  startToCloseTimeout: '30s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1m' },
};
