/** How deep errors are unwrapped. kafkajs wraps them less often than that. */
const MAX_DEPTH = 8;

/** The error, its causes and the errors of an aggregate, the outermost first. */
export function errorChain(error: unknown, depth = MAX_DEPTH): readonly Error[] {
  if (!(error instanceof Error) || depth === 0) return [];
  const parts: readonly unknown[] =
    'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  return [error, ...[error.cause, ...parts].flatMap((inner) => errorChain(inner, depth - 1))];
}

/**
 * The error code that the broker answered with, such as `GROUP_AUTHORIZATION_FAILED`, also when kafkajs has
 * wrapped it in other errors. Undefined for an error that is not a broker's answer.
 */
export function errorTypeOf(error: unknown): string | undefined {
  for (const one of errorChain(error)) {
    if ('type' in one && typeof one.type === 'string') return one.type;
  }
  return undefined;
}
