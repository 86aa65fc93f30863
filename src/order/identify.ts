import { isUtf8 } from 'node:buffer';
import type { DeadLetterReason } from '../contract/dead-letter.ts';
import { isJsonObject, jsonKind, parseJson } from '../contract/json.ts';
import { parseOrderId, type OrderId } from '../contract/order-id.ts';
import {
  fingerprintOf,
  fingerprintOfText,
  isFingerprintOf,
  isOtherForm,
  type Fingerprinted,
} from './fingerprint.ts';

export type Identified =
  | {
      readonly kind: 'order';
      readonly orderId: OrderId;
      readonly text: string;
      readonly fingerprint: string;
    }
  | { readonly kind: 'unusable'; readonly reason: DeadLetterReason; readonly error: string };

const BYTE_ORDER_MARK = '\uFEFF';

/**
 * Finds the order ID and the fingerprint of a message. This is all that the bridge reads of an order: the
 * workflow decides whether the order is valid.
 *
 * @param value the message's bytes; null is a tombstone
 * @param maxBytes the largest value that a workflow's input may hold
 */
export function identify(value: Uint8Array | null, maxBytes: number): Identified {
  if (value === null) return unusable('tombstone', 'the message has no value');
  if (value.length > maxBytes) {
    return unusable('too-large', `${value.length} bytes; a workflow takes ${maxBytes}`);
  }
  if (!isUtf8(value)) return unusable('not-utf8', 'the value is not valid UTF-8');
  const decoded = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  // RFC 8259, section 8.1, allows a parser to ignore it.
  const text = decoded.startsWith(BYTE_ORDER_MARK) ? decoded.slice(1) : decoded;
  const json = parseJson(text);
  if (!json.ok) return unusable('not-json', json.error);
  if (!isJsonObject(json.value)) {
    return unusable('not-an-object', `expected a JSON object, received ${jsonKind(json.value)}`);
  }
  const orderId = Object.hasOwn(json.value, 'order_id') ? json.value['order_id'] : undefined;
  if (typeof orderId !== 'string') {
    return unusable('no-order-id', `order_id: expected a string, received ${jsonKind(orderId)}`);
  }
  const parsed = parseOrderId(orderId);
  if (!parsed.ok) return unusable('invalid-order-id', `order_id: expected ${parsed.expected}`);
  return { kind: 'order', orderId: parsed.value, text, fingerprint: fingerprintOf(json.value) };
}

const unusable = (reason: DeadLetterReason, error: string): Identified => ({
  kind: 'unusable',
  reason,
  error,
});

/**
 * Whether what was ingested under these fingerprints is what the message says. Where another version has
 * stored a fingerprint in its own form, the messages themselves are compared: during a rolling upgrade,
 * bridges of an older and a newer version meet each other's orders.
 *
 * @param readIngestedText reads the text of the ingested message, if there is one; called only then
 */
export async function hasSameContent(
  fingerprints: readonly string[],
  message: Fingerprinted,
  readIngestedText: () => Promise<string | undefined>,
): Promise<boolean> {
  if (fingerprints.some((stored) => isFingerprintOf(stored, message))) return true;
  if (!fingerprints.some(isOtherForm)) return false;
  const text = await readIngestedText();
  return text !== undefined && fingerprintOfText(text) === message.fingerprint;
}
