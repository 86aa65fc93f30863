/**
 * The result of parsing external data: the value, or a description of what would have been valid.
 * `expected` completes the sentence "expected …" and never quotes the input, which may hold personal data.
 */
export type Parsed<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly expected: string };

export const ok = <Value>(value: Value): Parsed<Value> => ({ ok: true, value });
export const err = (expected: string): Parsed<never> => ({ ok: false, expected });
