import { describeError } from './operator-error.ts';

/** What was read from another system, or why it could not be read. */
export type Answer<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: string };

/** Reads, and returns an error as its description. */
export async function answerOf<Value>(
  read: () => Promise<Value>,
  describe: (error: unknown) => string = describeError,
): Promise<Answer<Value>> {
  try {
    return { ok: true, value: await read() };
  } catch (error) {
    return { ok: false, error: describe(error) };
  }
}
