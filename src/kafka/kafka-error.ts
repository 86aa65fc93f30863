/** How deep kafkajs wraps an error into others, at most. */
const MAX_DEPTH = 8;

/** The error itself, what caused it, and the parts of an aggregate; the outermost first. */
export function errorChain(error: unknown, depth = MAX_DEPTH): readonly Error[] {
  if (!(error instanceof Error) || depth === 0) return [];
  const parts: readonly unknown[] =
    'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  return [error, ...[error.cause, ...parts].flatMap((inner) => errorChain(inner, depth - 1))];
}

/**
 * What the broker answered, such as `GROUP_AUTHORIZATION_FAILED`, also where kafkajs has wrapped the
 * answer into an error of its own; undefined when it is no answer of a broker.
 */
export function errorTypeOf(error: unknown): string | undefined {
  for (const one of errorChain(error)) {
    if ('type' in one && typeof one.type === 'string') return one.type;
  }
  return undefined;
}
