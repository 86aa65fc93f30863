import type { MessageSource } from '../domain/order-store.ts';
import type { OrderId } from '../domain/order-id.ts';

/** One workflow for each order: Temporal refuses a second one with the same ID. */
export const workflowId = (prefix: string, orderId: OrderId): string => `${prefix}${orderId}`;

/**
 * The same for every attempt to start the workflow of one message. Temporal answers a repeated
 * request ID with the run that it started, so a start whose answer was lost can be sent again, and
 * only a second message is a duplicate. The fingerprint tells messages apart that stood at the same
 * offset, as after a topic has been deleted and made anew.
 */
export const startRequestId = (
  { topic, partition, offset }: MessageSource,
  fingerprint: string,
): string => `${topic}/${partition}/${offset}/${fingerprint}`;
