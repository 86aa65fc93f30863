import { hash } from 'node:crypto';
import type { Order } from './order.ts';
import { canonicalDecimal } from './decimal.ts';
import { canonicalJson, digitsOf, parseJson, type Json } from '../contract/json.ts';
import { orderSchema, toOrder } from './message-schema.ts';

/**
 * Fingerprints are kept in rows, in memos of workflows and in request IDs, for longer than a version
 * lives. This is their second form: `2:` and a SHA-256 in hexadecimal. The first one has no prefix.
 */
const PREFIX = '2:';

/** A message whose fingerprint has been computed. */
export interface Fingerprinted {
  readonly fingerprint: string;
  /** The message's value as text. */
  readonly text: string;
}

/**
 * Equal for messages that say the same. Those are valid orders whose known fields have the same
 * values (10.50 is 10.5, instants are compared to the microsecond, fields that are not known are
 * ignored), or else equal JSON values with numbers by value.
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

/** The same as that of a message which says this order. */
export function fingerprintOfOrder(order: Order): string {
  // A list, so that it cannot equal the canonical text of a message, which is an object.
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

/** The same as that of the message; undefined for a text that is not JSON. */
export function fingerprintOfText(text: string): string | undefined {
  const json = parseJson(text);
  return json.ok ? fingerprintOf(json.value) : undefined;
}

/**
 * Whether a stored fingerprint is that of the message, in whichever form it was stored. In the first
 * form an equal order may have another fingerprint: see `isFirstForm`.
 */
export const isFingerprintOf = (stored: string, { fingerprint, text }: Fingerprinted): boolean =>
  stored === fingerprint || (isFirstForm(stored) && stored === firstFingerprintOf(text));

/**
 * Whether an older version has stored it, which compared the whole JSON value, with unknown fields
 * and numbers by their digits. Where such a fingerprint differs, the orders themselves have to be compared.
 */
export const isFirstForm = (stored: string): boolean => !stored.includes(':');

/** SHA-256, in hexadecimal, of the JSON value: every digit of a number changes it. */
export function firstFingerprintOf(text: string): string | undefined {
  const json = parseJson(text);
  return json.ok ? hash('sha256', canonicalJson(json.value)) : undefined;
}
