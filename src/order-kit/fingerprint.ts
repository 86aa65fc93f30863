import { hash } from 'node:crypto';
import { canonicalJson, digitsOf, type Json } from '../contract/json.ts';
import { canonicalDecimal } from './decimal.ts';
import { Money } from './money.ts';

/** A value that two orders have to share to be the same. `Money` is compared by value: 10.50 equals 10.5. */
export type IdentityValue = string | number | boolean | null | Money | readonly IdentityValue[];

/**
 * The fingerprint of a valid order: equal for equal values.
 *
 * @param form a number that is increased whenever the fingerprint of a known order changes
 */
export const fingerprintOfValues = (form: number, values: readonly IdentityValue[]): string =>
  // An array, so that it cannot equal the canonical text of a message, which is an object.
  `${form}:${hash('sha256', JSON.stringify(values.map(canonical)))}`;

/** The fingerprint of a message that is not a valid order: equal for equal JSON, with numbers by value. */
export const fingerprintOfJson = (form: number, json: Json): string =>
  `${form}:${hash(
    'sha256',
    canonicalJson(json, (number) => canonicalDecimal(digitsOf(number))),
  )}`;

type CanonicalValue = string | boolean | null | readonly CanonicalValue[];

function canonical(value: IdentityValue): CanonicalValue {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number') return String(value);
  return value instanceof Money ? value.toCanonicalString() : value.map(canonical);
}
