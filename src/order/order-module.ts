import { hash } from 'node:crypto';
import { canonicalJson, type JsonObject } from '../contract/json.ts';
import { defineOrder } from '../order-kit/define-order.ts';
import type { IdentityValue } from '../order-kit/fingerprint.ts';
import type { Order } from './order.ts';
import { fromPlainOrder, toPlainOrder, type PlainOrder } from './plain-order.ts';
import { sampleOrders } from './sample-orders.ts';
import { tables } from './tables.ts';
import { translate } from './translate.ts';

/** The built-in order module. */
export const orderModule = defineOrder<Order>({
  name: 'order',
  orderId: 'order_id',
  translate,
  identity: ({ orderId, createdAt, customerName, totalPrice, lineItems }) => {
    const values: IdentityValue[] = [orderId, createdAt, customerName, totalPrice];
    for (const { productId, quantity, unitPrice } of lineItems) {
      // The quantity is a text, because it has been one since the first fingerprints of this form.
      values.push(productId, String(quantity), unitPrice);
    }
    return values;
  },
  fingerprintForm: 2,
  recognizes: (fingerprint, message) => fingerprint === firstFingerprintOf(message),
  json: { to: toPlainOrder, from: (json) => fromPlainOrder(json as PlainOrder) },
  storage: tables,
  samples: sampleOrders,
});

/**
 * The first form, which has no number: the SHA-256 of the JSON value in hexadecimal, in which every digit and
 * unknown fields count. Rows, workflow memos and request IDs hold it.
 */
const firstFingerprintOf = (message: JsonObject): string => hash('sha256', canonicalJson(message));

export default orderModule;
