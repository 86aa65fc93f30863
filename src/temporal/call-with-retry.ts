import type { Client } from '@temporalio/client';
import { status } from '@grpc/grpc-js';
import pRetry from 'p-retry';
import { grpcErrorOf } from './temporal-error.ts';

const CALL_TIMEOUT_MS = 5000;
const RETRIES = 6;

/** Answers that another attempt would not change. */
const FINAL_CODES: readonly status[] = [
  status.NOT_FOUND,
  status.ALREADY_EXISTS,
  status.INVALID_ARGUMENT,
  status.PERMISSION_DENIED,
  status.UNAUTHENTICATED,
  status.UNIMPLEMENTED,
  status.FAILED_PRECONDITION,
];

/** For commands that a person waits for: retries transient errors for some 20 s, each call for 5 s. */
export const callWithRetry = <Answer>(client: Client, call: () => Promise<Answer>) =>
  pRetry(() => client.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, call), {
    retries: RETRIES,
    minTimeout: 200,
    randomize: true,
    shouldRetry: ({ error }) => !FINAL_CODES.some((code) => hasCode(error, code)),
  });

/** Temporal has enough for now: a rate limit, or a database that does not keep up. */
export const isThrottled = (error: unknown): boolean => hasCode(error, status.RESOURCE_EXHAUSTED);

export const hasCode = (error: unknown, code: status): boolean => grpcErrorOf(error)?.code === code;
