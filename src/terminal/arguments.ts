import { InvalidArgumentError } from 'commander';

/** Parsers of option values. Commander prints the errors that they throw, after the name of the option. */

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number.');
  return Number(text);
}

export function positiveNumber(text: string): number {
  const number = wholeNumber(text);
  if (number === 0) throw new InvalidArgumentError('expected a whole number, at least 1.');
  return number;
}

/** Decimals are allowed: some services receive less than one order per second. */
export function ordersPerSecond(text: string): number {
  const number = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(number > 0 && number <= 100_000)) {
    throw new InvalidArgumentError('expected a number greater than 0, at most 100000.');
  }
  return number;
}

export function offsetNumber(text: string): bigint {
  if (!/^\d{1,19}$/.test(text)) throw new InvalidArgumentError('expected an offset, such as 1200.');
  return BigInt(text);
}

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/**
 * A duration before now, such as `90s`, `15m`, `2h` or `3d`, or an ISO 8601 date, with or without a time.
 * Returns milliseconds since 1970.
 */
export function pointInTime(text: string): number {
  const duration = /^(\d{1,6})([smhd])$/.exec(text);
  if (duration)
    return Date.now() - Number(duration[1]) * UNIT_MS[duration[2] as keyof typeof UNIT_MS];
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(date)) {
    throw new InvalidArgumentError(
      'expected a duration such as 15m, 2h or 3d, or an ISO 8601 date.',
    );
  }
  return date;
}
