import { hash } from 'node:crypto';
import { canonicalJson, digitsOf, JsonNumber, type Json } from '../contract/json.ts';
import { canonicalDecimal } from './decimal.ts';
import { Decimal } from './exact-decimal.ts';

/**
 * A value that two orders have to share to be the same. `Decimal` and `Money` are compared by value: 10.50
 * equals 10.5. Of an object, the fields count, whatever their order; those that are null do not.
 */
export type IdentityValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Decimal
  | JsonNumber
  | readonly IdentityValue[]
  | { readonly [field: string]: IdentityValue };

/**
 * The fingerprint of a valid order: equal for equal values. Throws a TypeError for a value of another type.
 *
 * @param form a number that is increased whenever the fingerprint of a known order changes
 */
export const fingerprintOfValues = (form: number, values: readonly IdentityValue[]): string =>
  `${form}:${hash('sha256', JSON.stringify(values.map(canonical)))}`;

/**
 * The fingerprint of a message that is not a valid order: equal for equal JSON, with numbers by value. It has a
 * form of its own. Once a later version of the module accepts the message, its fingerprint is that of the values,
 * and the form shows that the two cannot be compared.
 */
export const fingerprintOfJson = (form: number, json: Json): string =>
  `${form}-json:${hash(
    'sha256',
    canonicalJson(json, (number) => canonicalDecimal(digitsOf(number))),
  )}`;

type CanonicalValue =
  string | boolean | null | CanonicalNumber | readonly CanonicalValue[] | CanonicalFields;
/** A JSON value may be a number in one message and a text in another: `1` is not `"1"`. */
interface CanonicalNumber {
  readonly number: string;
}
interface CanonicalFields {
  readonly fields: readonly (readonly [string, CanonicalValue])[];
}

function canonical(value: IdentityValue): CanonicalValue {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
  if (typeof value === 'number' && !Number.isFinite(value)) throw notAValue(String(value));
  if (typeof value === 'number' || typeof value === 'bigint' || value instanceof JsonNumber) {
    const digits = value instanceof JsonNumber ? value.digits : String(value);
    return { number: canonicalDecimal(digits) };
  }
  // A field that is read as a decimal is never a text.
  if (value instanceof Decimal) return value.toCanonicalString();
  if (isArray(value)) return value.map(canonical);
  if (!isPlainObject(value)) throw notAValue(kindOf(value));
  const known = Object.entries(value).filter(([, field]) => (field ?? null) !== null);
  known.sort(([a], [b]) => (a < b ? -1 : 1));
  return { fields: known.map(([name, field]) => [name, canonical(field)] as const) };
}

const notAValue = (kind: string) => new TypeError(`not a value of an identity: ${kind}`);

/** `Array.isArray` does not narrow readonly arrays. */
const isArray = (value: IdentityValue): value is readonly IdentityValue[] => Array.isArray(value);

/** A `Date` or a `Map` has no fields of its own: all of them would be equal. */
function isPlainObject(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

const kindOf = (value: unknown): string =>
  typeof value === 'object' && value !== null ? value.constructor.name : typeof value;
