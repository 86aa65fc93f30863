import { describeError } from './operator-error.ts';

/** What was read from another system, or why it could not be read. */
export type Answer<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: string };

/** Reads, and turns an error into an answer. */
export async function answerOf<Value>(read: () => Promise<Value>): Promise<Answer<Value>> {
  try {
    return { ok: true, value: await read() };
  } catch (error) {
    return { ok: false, error: describeError(error) };
  }
}
