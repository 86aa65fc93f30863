/**
 * A mistake or a fault that whoever runs the program can mend. Shown as its message and what to do,
 * without a stack trace.
 */
export class OperatorError extends Error {
  override readonly name = 'OperatorError';
  /** Completes the sentence "To mend it: …". */
  readonly fix: string;

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options);
    this.fix = remedy;
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
