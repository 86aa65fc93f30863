import type { ErrorCode } from './error-codes.ts';

/**
 * A mistake or a fault that the person who runs the program can fix. It is shown as its code, its
 * message and its fix, without a stack trace.
 */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  /** Stable across versions: docs/errors.md lists what each one means. */
  readonly code: ErrorCode;
  /** What to do, as an imperative without a full stop. Shown after "Fix:". */
  readonly fix: string;

  /** @param message what was tried, on what, and why it failed */
  constructor(code: ErrorCode, message: string, fix: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.fix = fix;
  }
}

/** The message of anything thrown, on one line, without a stack. */
export function describeError(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  // Node's AggregateError has no message of its own, kafkajs's one that says nothing.
  if ('errors' in error && Array.isArray(error.errors)) {
    return error.errors.map(describeError).join('; ');
  }
  return 'message' in error ? (String(error.message).split('\n')[0] ?? '') : 'unknown error';
}
