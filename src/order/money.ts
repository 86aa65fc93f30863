import Big from 'big.js';
import { canonicalDecimal } from './decimal.ts';
import { ok, err, type Parsed } from '../contract/parsed.ts';

/** What a Postgres `numeric` holds (PostgreSQL documentation, table 8.2). */
const MAX_INTEGER_DIGITS = 131_072;
const MAX_FRACTION_DIGITS = 16_383;

/** The grammar of a JSON number (RFC 8259, section 6), which decimal strings share. */
const DECIMAL = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;

/**
 * An exact amount that is not negative. It keeps the digits it was given (`0.10` stays `0.10`) and
 * is never a binary float. It has no currency: the message has none.
 */
export class Money {
  readonly #digits: string;

  private constructor(digits: string) {
    this.#digits = digits;
  }

  /**
   * Reads `12`, `0.10` or `1.5e3`, and a number as JavaScript writes it; refuses what a Postgres
   * `numeric` could not hold.
   */
  static parse(exact: number | string): Parsed<Money> {
    const text = String(exact);
    if (typeof exact === 'number' && exact >= 0 && exact <= Number.MAX_VALUE) {
      return ok(new Money(text));
    }
    const match = DECIMAL.exec(text);
    if (!match) return err('a decimal number such as 12.50');
    const [, sign, integer = '', fraction = '', exponentText = '0'] = match;
    const isZero = !/[1-9]/.test(integer + fraction);
    if (sign === '-' && !isZero) return err('an amount that is not negative');
    const exponent = Number(exponentText);
    if (integer.length + exponent > MAX_INTEGER_DIGITS) {
      return err(`at most ${MAX_INTEGER_DIGITS} digits before the decimal point`);
    }
    if (fraction.length - exponent > MAX_FRACTION_DIGITS) {
      return err(`at most ${MAX_FRACTION_DIGITS} digits after the decimal point`);
    }
    return ok(new Money(sign === '-' ? text.slice(1) : text));
  }

  /** The amount from text that has been accepted before; throws a RangeError on anything else. */
  static from(text: string): Money {
    const money = Money.parse(text);
    if (!money.ok) throw new RangeError(`not an amount: expected ${money.expected}`);
    return money.value;
  }

  /** The same value with the same number of digits after the point: 1.5e1 equals 15, not 15.0. */
  equals(other: Money): boolean {
    return this.toPlainString() === other.toPlainString();
  }

  /** Every digit written out, without an exponent, as Postgres prints a `numeric`. */
  toPlainString(): string {
    const [mantissa = '', exponent = '0'] = this.#digits.toLowerCase().split('e');
    const fractionDigits = (mantissa.split('.')[1] ?? '').length;
    return new Big(this.#digits).toFixed(Math.max(0, fractionDigits - Number(exponent)));
  }

  /** The same text for equal values: 10.50 and 1.05e1 give `10.5`. */
  toCanonicalString(): string {
    return canonicalDecimal(this.#digits);
  }

  /** The digits as they were given, perhaps with an exponent: short even where the amount is long. */
  toString(): string {
    return this.#digits;
  }
}
