import type { DeadLetterReason } from '../contract/dead-letter.ts';
import type { JsonObject } from '../contract/json.ts';

/** The JSON text of a message, or why it has none. */
export type Decoded =
  | {
      readonly kind: 'decoded';
      /** The workflow's input, in which every digit is kept. */
      readonly text: string;
      /** The same, parsed. */
      readonly json: JsonObject;
    }
  | Unusable;

/** A message for which no workflow can be started. */
export interface Unusable {
  readonly kind: 'unusable';
  readonly reason: DeadLetterReason;
  /** Quotes no value, which may be personal data. */
  readonly error: string;
}

export interface ValueDecoder {
  /**
   * Decodes the value of a message. Synchronous, unless something has to be fetched first. Rejects with
   * transient errors only.
   *
   * @param value the message's bytes; null is a tombstone
   * @param maxBytes the largest value that a workflow's input may hold, before and after decoding
   */
  decode(value: Uint8Array | null, maxBytes: number): Decoded | Promise<Decoded>;

  /**
   * Fetches what `decode` needs for this value, which is then synchronous; undefined if there is nothing to
   * fetch. Rejects with transient errors only. A decoder that never fetches has no such method.
   */
  prepare?(value: Uint8Array | null): Promise<void> | undefined;
}

export const unusable = (reason: DeadLetterReason, error: string): Unusable => ({
  kind: 'unusable',
  reason,
  error,
});
