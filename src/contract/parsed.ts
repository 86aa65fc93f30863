/**
 * What a domain rule answers when it is given outside data: the value, or what would have been
 * accepted instead. `expected` completes the sentence "expected …" and never quotes the input,
 * which may hold personal data.
 */
export type Parsed<Value> =
  { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly expected: string };

export const ok = <Value>(value: Value): Parsed<Value> => ({ ok: true, value });
export const err = (expected: string): Parsed<never> => ({ ok: false, expected });
