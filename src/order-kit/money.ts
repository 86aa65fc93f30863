import { ok, err, type Parsed } from '../contract/parsed.ts';
import { Decimal, parseDigits } from './exact-decimal.ts';

/** An exact amount, not negative and without a currency. An amount that may be negative is a `Decimal`. */
export class Money extends Decimal {
  /**
   * Parses `12`, `0.10` or `1.5e3`, or a JavaScript number. An amount that Postgres's `numeric` cannot hold
   * is an error.
   */
  static override parse(exact: number | string): Parsed<Money> {
    const digits = parseDigits(exact);
    if (!digits.ok) return digits;
    return digits.value.startsWith('-')
      ? err('an amount that is not negative')
      : ok(new Money(digits.value));
  }

  /** The amount of a text that was valid before; throws a RangeError if it is not. */
  static override from(text: string): Money {
    const money = Money.parse(text);
    if (!money.ok) throw new RangeError(`not an amount: expected ${money.expected}`);
    return money.value;
  }
}
