import Big from 'big.js';
import { ok, err, type Parsed } from '../contract/parsed.ts';
import { canonicalDecimal } from './decimal.ts';

/** The limits of Postgres's `numeric` (PostgreSQL documentation, table 8.2). */
const MAX_INTEGER_DIGITS = 131_072;
const MAX_FRACTION_DIGITS = 16_383;

/** The grammar of a JSON number (RFC 8259, section 6), also used for decimal strings. */
const DECIMAL = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;

/**
 * An exact decimal number. It keeps the digits that it was parsed from (`0.10` stays `0.10`) and is never a
 * binary floating-point number.
 */
export class Decimal {
  readonly #digits: string;

  protected constructor(digits: string) {
    this.#digits = digits;
  }

  /**
   * Parses `12`, `-0.10` or `1.5e3`, or a JavaScript number. A number that Postgres's `numeric` cannot hold is
   * an error.
   */
  static parse(exact: number | string): Parsed<Decimal> {
    const digits = parseDigits(exact);
    return digits.ok ? ok(new Decimal(digits.value)) : digits;
  }

  /** The number of a text that was valid before; throws a RangeError if it is not. */
  static from(text: string): Decimal {
    const decimal = Decimal.parse(text);
    if (!decimal.ok) throw new RangeError(`not a number: expected ${decimal.expected}`);
    return decimal.value;
  }

  /** All digits without an exponent, as Postgres prints a `numeric`. */
  toPlainString(): string {
    const [mantissa = '', exponent = '0'] = this.#digits.toLowerCase().split('e');
    const fractionDigits = (mantissa.split('.')[1] ?? '').length;
    return new Big(this.#digits).toFixed(Math.max(0, fractionDigits - Number(exponent)));
  }

  /** The same text for equal values: `10.5` for 10.50 and 1.05e1. */
  toCanonicalString(): string {
    return canonicalDecimal(this.#digits);
  }

  /** The original digits, possibly with an exponent, so that a huge number stays short. */
  toString(): string {
    return this.#digits;
  }

  /** The digits as a JSON string. */
  toJSON(): string {
    return this.#digits;
  }

  /** Negative, 0 or positive, like the order of the two values. */
  compare(other: Decimal | number): number {
    return new Big(this.#digits).cmp(other instanceof Decimal ? other.#digits : other);
  }
}

/** The digits of a number that Postgres's `numeric` can hold. Zero has no sign. */
export function parseDigits(exact: number | string): Parsed<string> {
  const text = String(exact);
  if (typeof exact === 'number' && exact >= 0 && exact <= Number.MAX_VALUE) return ok(text);
  const match = DECIMAL.exec(text);
  if (!match) return err('a decimal number such as 12.50');
  const [, sign, integer = '', fraction = '', exponentText = '0'] = match;
  const exponent = Number(exponentText);
  if (integer.length + exponent > MAX_INTEGER_DIGITS) {
    return err(`at most ${MAX_INTEGER_DIGITS} digits before the decimal point`);
  }
  if (fraction.length - exponent > MAX_FRACTION_DIGITS) {
    return err(`at most ${MAX_FRACTION_DIGITS} digits after the decimal point`);
  }
  const isZero = !/[1-9]/.test(integer + fraction);
  return ok(sign === '-' && isZero ? text.slice(1) : text);
}
