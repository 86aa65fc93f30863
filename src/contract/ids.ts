import { hash } from 'node:crypto';
import type { MessageSource } from './message.ts';

/**
 * One workflow per order: Temporal rejects a second one with the same ID. A lookup may pass any text as
 * the order ID, as an operator types it; only an `OrderId` is ever started.
 */
export const workflowId = (prefix: string, orderId: string): string => `${prefix}${orderId}`;

/**
 * The same for every attempt to start the workflow of one message. Temporal answers a repeated
 * request ID with the run that it started, so a start whose answer was lost can be sent again, and
 * only a second message is a duplicate. The fingerprint tells messages apart that stood at the same
 * offset, as after a topic has been deleted and recreated.
 *
 * An ID that is too long for Temporal's SQL stores is replaced by its hash; all others stay as older
 * versions wrote them.
 *
 * @param again a name for a further attempt at a workflow that has completed
 */
export function startRequestId(
  { topic, partition, offset }: MessageSource,
  fingerprint: string,
  again?: string,
): string {
  const id = [topic, partition, offset, fingerprint, ...(again === undefined ? [] : [again])].join(
    '/',
  );
  return id.length > REQUEST_ID_MAX_CHARACTERS ? `sha256/${hash('sha256', id)}` : id;
}

/**
 * `create_request_id` is a `varchar(255)` in Temporal's schemas for Postgres and MySQL. A longer one is
 * answered as `UNAVAILABLE`, as if the server were down.
 */
const REQUEST_ID_MAX_CHARACTERS = 255;
