import { isJsonObject, jsonKind, parseJson } from '../contract/json.ts';
import type { DeadLetterReason } from '../contract/dead-letter.ts';
import { pointerTokens, textAt, valueAt } from './payload-pointer.ts';
import { unusable, type Decoded, type ValueDecoder } from './value-decoder.ts';

/** Takes the order out of an envelope, such as that of CloudEvents or Debezium. */
export class EnvelopeDecoder implements ValueDecoder {
  readonly #envelope: ValueDecoder;
  readonly #pointer: string;
  readonly #tokens: readonly string[];

  /**
   * @param envelope decodes the whole value
   * @param pointer where the order is in it, as a JSON Pointer (RFC 6901)
   */
  constructor(envelope: ValueDecoder, pointer: string) {
    this.#envelope = envelope;
    this.#pointer = pointer;
    this.#tokens = pointerTokens(pointer);
  }

  prepare(value: Uint8Array | null): Promise<void> | undefined {
    return this.#envelope.prepare?.(value);
  }

  decode(value: Uint8Array | null, maxBytes: number): Decoded | Promise<Decoded> {
    const decoded = this.#envelope.decode(value, maxBytes);
    return decoded instanceof Promise
      ? decoded.then((envelope) => this.#takeOrder(envelope))
      : this.#takeOrder(decoded);
  }

  #takeOrder(envelope: Decoded): Decoded {
    if (envelope.kind === 'unusable') return envelope;
    const payload = valueAt(envelope.json, this.#tokens);
    if (payload === undefined) {
      return this.#unusable('no-payload', 'the message has nothing there');
    }
    // What Debezium writes for a deleted row.
    if (payload === null) return this.#unusable('empty-payload', 'it is null there');
    if (typeof payload === 'string') return this.#parse(payload);
    return isJsonObject(payload)
      ? { kind: 'decoded', text: textAt(envelope.text, this.#tokens), json: payload }
      : this.#unusable('not-an-object', `expected a JSON object, received ${jsonKind(payload)}`);
  }

  /** The outbox of Debezium has the order as a string that holds JSON, unless it is told to expand it. */
  #parse(text: string): Decoded {
    const json = parseJson(text);
    if (!json.ok) return this.#unusable('not-json', `the string there: ${json.error}`);
    return isJsonObject(json.value)
      ? { kind: 'decoded', text, json: json.value }
      : this.#unusable(
          'not-an-object',
          `the string there: expected a JSON object, received ${jsonKind(json.value)}`,
        );
  }

  #unusable(reason: DeadLetterReason, error: string): Decoded {
    return unusable(reason, `ORDER_PAYLOAD_POINTER ${this.#pointer}: ${error}`);
  }
}
