import type { ErrorCode } from './error-codes.ts';

/**
 * A problem that the person who runs the program can fix. It is printed as its code, its message and its
 * fix, without a stack trace.
 */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  /** Stable across versions; docs/errors.md explains each one. */
  readonly code: ErrorCode;
  /** What to do, as an imperative without a full stop. Printed after "Fix:". */
  readonly fix: string;

  /** @param message what was tried, on what, and why it failed */
  constructor(code: ErrorCode, message: string, fix: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.fix = fix;
  }
}

/** The message of whatever was thrown, on one line and without a stack trace. */
export function describeError(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  // The message of an AggregateError is empty in Node and meaningless in kafkajs.
  if ('errors' in error && Array.isArray(error.errors)) {
    return error.errors.map(describeError).join('; ');
  }
  return 'message' in error ? (String(error.message).split('\n')[0] ?? '') : 'unknown error';
}
