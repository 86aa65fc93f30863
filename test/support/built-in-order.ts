import type { Pool } from 'pg';
import {
  translateText,
  type OrderRecord,
  type Translation,
} from '../../src/contract/order-module.ts';
import { orderModule } from '../../src/order/order-module.ts';
import type { Order } from '../../src/order/order.ts';
import {
  createMessageReader,
  type Identified,
  type IdentifiedOrder,
} from '../../src/order-module/message-reader.ts';
import { createOrderStore } from '../../src/worker/order-store.ts';

/** Reads messages with the built-in order module. */
export const reader = createMessageReader(orderModule);

export function identify(value: Uint8Array | null, maxBytes?: number): Identified {
  const identified = reader.identify(value, maxBytes);
  if (identified instanceof Promise) throw new Error('JSON is decoded at once');
  return identified;
}

/** Throws if the message has no usable order ID. */
export function identifyOrder(text: string): IdentifiedOrder {
  const identified = identify(Buffer.from(text));
  if (identified.kind === 'unusable') throw new Error(identified.error);
  return identified;
}

export const translate = (text: string): Translation<Order> => translateText(orderModule, text);

/** What a worker stores for a valid order. */
export function recordOf(
  text: string,
  source = { topic: 'orders', partition: 0, offset: '0' },
): OrderRecord<Order> {
  const translation = translate(text);
  if (translation.kind !== 'translated') throw new Error(`not valid: ${text}`);
  const { orderId, order, fingerprint } = translation;
  return { orderId, order, fingerprint, source };
}

export const postgresOrderStore = (pool: Pool) => createOrderStore(pool, orderModule.storage);
