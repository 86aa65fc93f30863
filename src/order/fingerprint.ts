import { hash } from 'node:crypto';
import { canonicalJson, digitsOf, parseJson, type Json } from '../contract/json.ts';
import { canonicalDecimal } from './decimal.ts';
import { orderSchema, toOrder } from './message-schema.ts';
import type { Order } from './order.ts';

/**
 * Rows, workflow memos and request IDs hold fingerprints that older versions have written. This is the
 * second form: `2:` and a SHA-256 in hexadecimal. The first form has no prefix.
 */
const PREFIX = '2:';

/** A message with its fingerprint. */
export interface Fingerprinted {
  readonly fingerprint: string;
  /** The message's value, decoded. */
  readonly text: string;
}

/**
 * The fingerprint of a message: equal for messages about the same order. Valid orders are the same if their
 * known fields have equal values: 10.50 equals 10.5, instants are compared to the microsecond, unknown
 * fields are ignored. Other messages are the same if their JSON values are equal, with numbers by value.
 */
export function fingerprintOf(json: Json): string {
  const order = orderSchema.safeParse(json);
  if (order.success) return fingerprintOfOrder(toOrder(order.data));
  return (
    PREFIX +
    hash(
      'sha256',
      canonicalJson(json, (number) => canonicalDecimal(digitsOf(number))),
    )
  );
}

/** The fingerprint of any message that translates into this order. */
export function fingerprintOfOrder(order: Order): string {
  // An array, so that it cannot equal the canonical text of a message, which is an object.
  const values = [
    order.orderId,
    order.createdAt,
    order.customerName,
    order.totalPrice.toCanonicalString(),
  ];
  for (const { productId, quantity, unitPrice } of order.lineItems) {
    values.push(productId, String(quantity), unitPrice.toCanonicalString());
  }
  return PREFIX + hash('sha256', JSON.stringify(values));
}

/** The fingerprint of a message's text; undefined if it is not JSON. */
export function fingerprintOfText(text: string): string | undefined {
  const json = parseJson(text);
  return json.ok ? fingerprintOf(json.value) : undefined;
}

/**
 * Whether a stored fingerprint, in either form, is that of the message. In the first form the same order
 * may have a different fingerprint: see `isFirstForm`.
 */
export const isFingerprintOf = (stored: string, { fingerprint, text }: Fingerprinted): boolean =>
  stored === fingerprint || (isFirstForm(stored) && stored === firstFingerprintOf(text));

/**
 * Whether an older version stored this fingerprint. It covered the whole JSON value, including unknown
 * fields and every digit. If such a fingerprint differs, the orders themselves have to be compared.
 */
export const isFirstForm = (stored: string): boolean => !stored.includes(':');

/**
 * Whether another version stored this fingerprint in its own form: an older one, or a newer one whose bridge
 * is in the same consumer group. Such a fingerprint says nothing by being different.
 */
export const isOtherForm = (stored: string): boolean => !stored.startsWith(PREFIX);

/** The first form: SHA-256 of the JSON value in hexadecimal. Every digit of a number counts. */
export function firstFingerprintOf(text: string): string | undefined {
  const json = parseJson(text);
  return json.ok ? hash('sha256', canonicalJson(json.value)) : undefined;
}
