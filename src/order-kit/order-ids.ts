import { exactNumber, type Json } from '../contract/json.ts';
import { canonicalDecimal } from './decimal.ts';

/** The digits of an integer, so that it can be an order ID: 17, 17.0 and 1.7e1 are `17`. Other values stay. */
export function idText(value: Json | undefined): Json | undefined {
  const exact = exactNumber(value);
  if (exact === undefined) return value;
  const digits = canonicalDecimal(String(exact));
  return /^-?\d+$/.test(digits) ? digits : value;
}

/**
 * An order ID of several values, such as a shop and a number: `eu/17`. A `/` or `%` in a value is escaped, so that
 * different values never make the same ID. If one of them cannot be part of an ID, it is returned, for the error.
 */
export function compositeId(...values: readonly (Json | undefined)[]): Json | undefined {
  const escaped: string[] = [];
  for (const value of values) {
    const text = idText(value);
    if (typeof text !== 'string' || text === '') return text;
    escaped.push(text.replace(/[%/]/g, encodeURIComponent));
  }
  return escaped.join('/');
}
