import type { DeadLetterReason } from '../contract/dead-letter.ts';

/**
 * Thrown where a decoder, however deep in a value or a schema, finds that no retry can make an order of it.
 * The message says what was expected and never quotes the value.
 */
export class UnusableValue extends Error {
  readonly reason: DeadLetterReason;

  constructor(reason: DeadLetterReason, message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The bytes are not what the schema describes. */
export const mismatch = (expected: string): UnusableValue =>
  new UnusableValue('schema-mismatch', `the value does not fit its schema: ${expected}`);

/** The bytes fit the schema, but JSON has no such value. */
export const notRepresentable = (what: string): UnusableValue =>
  new UnusableValue('not-representable', `the value cannot be written as JSON: ${what}`);
