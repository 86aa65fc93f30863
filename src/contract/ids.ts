import { createHmac, hash } from 'node:crypto';
import type { MessageSource } from './message.ts';

/** What `createSecretKey` of Node.js returns. Declared here, because these types must not need those of Node.js. */
export interface HashKey {
  export(): Uint8Array;
}

/** One run of a workflow. A re-run and a replay are further runs with the same workflow ID. */
export interface WorkflowRun {
  readonly workflowId: string;
  readonly runId: string;
}

/**
 * One workflow per order: Temporal rejects a second one with the same ID. A lookup may pass any text as
 * the order ID, as an operator types it; only an `OrderId` is ever started.
 *
 * @param hashKey replaces the order ID by its HMAC-SHA256, as 64 hexadecimal digits
 */
export const workflowId = (prefix: string, orderId: string, hashKey?: HashKey): string =>
  `${prefix}${hashKey ? hmac(hashKey, orderId) : orderId}`;

const hmac = (key: HashKey, text: string): string =>
  createHmac('sha256', key.export()).update(text).digest('hex');

/**
 * The request ID of a start, equal for every attempt to start the workflow of one message. Temporal answers
 * a repeated request ID with the run that the first one started. A start whose response was lost can
 * therefore be repeated, and only another message counts as a duplicate. The fingerprint distinguishes
 * messages at the same offset, which exist after a topic has been deleted and recreated.
 *
 * An ID that is too long for Temporal's SQL stores is replaced by its hash. All others are as older versions
 * wrote them.
 *
 * @param again names a further run of a workflow that has already closed
 * @param hashKey replaces the ID by its HMAC: whoever can guess an order could recognize its fingerprint
 */
export function startRequestId(
  { topic, partition, offset }: MessageSource,
  fingerprint: string,
  again?: string,
  hashKey?: HashKey,
): string {
  const id = [topic, partition, offset, fingerprint, ...(again === undefined ? [] : [again])].join(
    '/',
  );
  if (hashKey) return `hmac/${hmac(hashKey, id)}`;
  return id.length > REQUEST_ID_MAX_CHARACTERS ? `sha256/${hash('sha256', id)}` : id;
}

/** The request ID of a correction of this run. */
export const correctionRequestId = (
  runId: string,
  fingerprint: string,
  hashKey?: HashKey,
): string => `correct/${runId}/${hashKey ? hmac(hashKey, fingerprint) : fingerprint}`;

/**
 * `create_request_id` is a `varchar(255)` in Temporal's schemas for Postgres and MySQL. Temporal answers a
 * longer one with `UNAVAILABLE`, as if the server were down.
 */
const REQUEST_ID_MAX_CHARACTERS = 255;
