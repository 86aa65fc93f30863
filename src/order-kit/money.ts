import Big from 'big.js';
import { ok, err, type Parsed } from '../contract/parsed.ts';
import { canonicalDecimal } from './decimal.ts';

/** The limits of Postgres's `numeric` (PostgreSQL documentation, table 8.2). */
const MAX_INTEGER_DIGITS = 131_072;
const MAX_FRACTION_DIGITS = 16_383;

/** The grammar of a JSON number (RFC 8259, section 6), also used for decimal strings. */
const DECIMAL = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?$/;

/**
 * An exact amount, not negative and without a currency, which the message does not have. It keeps the
 * digits that it was parsed from (`0.10` stays `0.10`) and is never a binary floating-point number.
 */
export class Money {
  readonly #digits: string;

  private constructor(digits: string) {
    this.#digits = digits;
  }

  /**
   * Parses `12`, `0.10` or `1.5e3`, or a JavaScript number. An amount that Postgres's `numeric` cannot hold
   * is an error.
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

  /** The amount of a text that was valid before; throws a RangeError if it is not. */
  static from(text: string): Money {
    const money = Money.parse(text);
    if (!money.ok) throw new RangeError(`not an amount: expected ${money.expected}`);
    return money.value;
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

  /** The original digits, possibly with an exponent, so that a huge amount stays short. */
  toString(): string {
    return this.#digits;
  }
}
