import { isOtherForm } from '../contract/fingerprint.ts';
import { isJsonObject, parseJson, type JsonObject } from '../contract/json.ts';
import { parseOrderId } from '../contract/order-id.ts';
import type { Identification, OrderModule } from '../contract/order-module.ts';
import { describeThrown } from '../contract/thrown.ts';
import { decodeJson } from '../decode/json-decoder.ts';
import type { Decoded, Unusable, ValueDecoder } from '../decode/value-decoder.ts';

/** A message with the order ID that it is about, or why it has none. */
export type Identified = IdentifiedOrder | Unusable;

export type IdentifiedOrder = Extract<Identification, { kind: 'order' }> & {
  /** The JSON text of the message. */
  readonly text: string;
};

/** Reads messages as the bridge does: decodes them, and has the order module identify their orders. */
export interface MessageReader {
  readonly orderModule: OrderModule;

  /**
   * Synchronous, unless the decoder has to fetch something. Rejects with transient errors only.
   *
   * @param value the message's bytes; null is a tombstone
   * @param maxBytes the largest value that a workflow's input may hold; unlimited if left out
   */
  identify(value: Uint8Array | null, maxBytes?: number): Identified | Promise<Identified>;

  /** The same for JSON, whatever the topic's format is: for the text of a workflow's input. */
  identifyJson(value: Uint8Array, maxBytes?: number): Identified;

  /**
   * Fetches what `identify` needs for this value, which is then synchronous; undefined if there is nothing to
   * fetch. Rejects with transient errors only.
   */
  prepare(value: Uint8Array | null): Promise<void> | undefined;

  /**
   * A cheap test for values of messages that may be about one of these orders. It may accept others:
   * `identify` decides.
   */
  mayBeAbout(orderIds: readonly string[]): (value: Buffer) => boolean;

  /** Whether the fingerprint, in any form that the module recognizes, is that of the message. */
  isFingerprintOf(fingerprint: string, message: Fingerprinted): boolean;

  /**
   * Whether what was ingested under these fingerprints is what the message says. Where another version has
   * stored a fingerprint in its own form, the messages themselves are compared: during a rolling upgrade,
   * bridges of an older and a newer version meet each other's orders.
   *
   * @param readIngestedText reads the text of the ingested message, if there is one; called only then
   */
  hasSameContent(
    fingerprints: readonly string[],
    message: Fingerprinted,
    readIngestedText: () => Promise<string | undefined>,
  ): Promise<boolean>;
}

/** A message with its fingerprint. */
export type Fingerprinted = Pick<IdentifiedOrder, 'fingerprint' | 'text'>;

/**
 * @param mayFilterText whether the values are the JSON text that the module identifies, so that its filter
 *   applies to them
 */
export function createMessageReader(
  orderModule: OrderModule,
  decoder: ValueDecoder = { decode: decodeJson },
  mayFilterText = true,
): MessageReader {
  const identifyDecoded = (decoded: Decoded): Identified => {
    if (decoded.kind === 'unusable') return decoded;
    const identification = identifySafely(orderModule, decoded.json);
    if (identification.kind === 'unusable') return identification;
    // A spread would take twice the time, for every message.
    const { kind, orderId, fingerprint, start, startProblem, fingerprintProblem } = identification;
    const { text } = decoded;
    return { kind, orderId, fingerprint, start, startProblem, fingerprintProblem, text };
  };
  const fingerprintOf = (text: string): string | undefined => {
    const message = parseObject(text);
    const identification = message && identifySafely(orderModule, message);
    return identification?.kind === 'order' ? identification.fingerprint : undefined;
  };
  const isFingerprintOf = (stored: string, { fingerprint, text }: Fingerprinted): boolean => {
    if (stored === fingerprint) return true;
    if (!orderModule.recognizes || !isOtherForm(stored, fingerprint)) return false;
    const message = parseObject(text);
    try {
      return message !== undefined && orderModule.recognizes(stored, message);
    } catch {
      // Then the fingerprints are different ones.
      return false;
    }
  };
  return {
    orderModule,
    identify: (value, maxBytes = Infinity) => {
      const decoded = decoder.decode(value, maxBytes);
      return decoded instanceof Promise ? decoded.then(identifyDecoded) : identifyDecoded(decoded);
    },
    prepare: (value) => decoder.prepare?.(value),
    identifyJson: (value, maxBytes = Infinity) => identifyDecoded(decodeJson(value, maxBytes)),
    mayBeAbout: (orderIds) =>
      (mayFilterText ? orderModule.filterByOrderId?.(orderIds) : undefined) ?? (() => true),
    isFingerprintOf,
    hasSameContent: async (fingerprints, message, readIngestedText) => {
      if (fingerprints.some((stored) => isFingerprintOf(stored, message))) return true;
      if (!fingerprints.some((stored) => isOtherForm(stored, message.fingerprint))) return false;
      const text = await readIngestedText();
      return text !== undefined && fingerprintOf(text) === message.fingerprint;
    },
  };
}

/**
 * A fault of the module must not block the partition. The message becomes a dead letter, which can be requeued
 * once the module is corrected.
 */
function identifySafely(orderModule: OrderModule, message: JsonObject): Identification {
  try {
    return checkIdentification(orderModule.identify(message));
  } catch (error) {
    return noOrderId(`threw ${describeThrown(error)}`);
  }
}

type Unchecked = Readonly<Partial<Record<string, unknown>>>;

const noOrderId = (problem: string): Identification => ({
  kind: 'unusable',
  reason: 'no-order-id',
  error: `identify of the order module ${problem}`,
});

/**
 * A module need not be written in TypeScript, or with `defineOrder`. Temporal answers an order ID that is too long
 * as if the server were down, and Kafka takes no header without a value: each would block the partition.
 */
function checkIdentification(identification: unknown): Identification {
  if (typeof identification !== 'object' || identification === null) {
    return noOrderId('returned no identification');
  }
  const { kind, orderId, fingerprint, reason, error } = identification as Unchecked;
  if (kind === 'unusable') {
    return {
      kind,
      reason: reason === 'invalid-order-id' ? reason : 'no-order-id',
      error:
        typeof error === 'string' && error !== ''
          ? error
          : 'identify of the order module returned no error',
    };
  }
  if (kind !== 'order' || typeof orderId !== 'string') {
    return noOrderId('returned no identification');
  }
  if (typeof fingerprint !== 'string' || fingerprint === '') {
    return noOrderId('returned no fingerprint');
  }
  const parsed = parseOrderId(orderId);
  if (parsed.ok) return identification as Identification;
  return {
    kind: 'unusable',
    reason: 'invalid-order-id',
    error: `order ID of the order module: expected ${parsed.expected}`,
  };
}

function parseObject(text: string) {
  const json = parseJson(text);
  return json.ok && isJsonObject(json.value) ? json.value : undefined;
}
