import { ok, err, type Parsed } from './parsed.ts';

/** Length in Unicode code points, as Postgres counts characters. */
export function characterCount(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index += 1) {
    if ((text.codePointAt(index) ?? 0) > 0xffff) index += 1;
    count += 1;
  }
  return count;
}

/** Whether a text has more code points than this. Counts them only if its UTF-16 length is greater. */
export const isLongerThan = (text: string, characters: number): boolean =>
  text.length > characters && characterCount(text) > characters;

declare const brand: unique symbol;

/** An order's ID as its producer wrote it. It is never normalized: IDs are compared by code point. */
export type OrderId = string & { readonly [brand]: 'OrderId' };

/**
 * In code points. Temporal's SQL stores hold workflow IDs of up to 255 characters, which leaves 55 for the
 * prefix. Temporal answers a longer ID as if the server were down.
 */
export const ORDER_ID_MAX_CHARACTERS = 200;

const CONTROL_CHARACTER = /\p{Cc}/u;

export function parseOrderId(text: string): Parsed<OrderId> {
  if (text === '' || isLongerThan(text, ORDER_ID_MAX_CHARACTERS)) {
    return err(`1 to ${ORDER_ID_MAX_CHARACTERS} characters`);
  }
  if (!text.isWellFormed()) return err('well-formed Unicode without lone surrogates');
  if (CONTROL_CHARACTER.test(text)) return err('no control characters');
  if (text.trim() !== text) return err('no white space at either end');
  return ok(text as OrderId);
}
