import type { Client } from '@temporalio/client';
import { status } from '@grpc/grpc-js';
import pRetry from 'p-retry';
import { hasCode } from './temporal-error.ts';

const CALL_TIMEOUT_MS = 5000;
const RETRIES = 6;

/** Errors that a retry would not change. */
const FINAL_CODES: readonly status[] = [
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.INVALID_ARGUMENT,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.UNIMPLEMENTED,
  status.FAILED_PRECONDITION,
];

/**
 * For commands that a person waits for: retries transient errors for about 20 s. Each attempt has a
 * deadline of 5 s.
 */
export const callWithRetry = <Answer>(client: Client, call: () => Promise<Answer>) =>
  pRetry(() => client.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, call), {
    retries: RETRIES,
    minTimeout: 200,
    randomize: true,
    shouldRetry: ({ error }) => !FINAL_CODES.some((code) => hasCode(error, code)),
  });

/** Makes one call to Temporal with the deadline and the retries that the caller chooses. */
export type Call = <Answer>(work: () => Promise<Answer>) => Promise<Answer>;
