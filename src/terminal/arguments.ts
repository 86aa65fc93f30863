import { InvalidArgumentError } from 'commander';

/** Parsers of what people type after an option; commander shows what they throw. */

export function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number.');
  return Number(text);
}

export function positiveNumber(text: string): number {
  const number = wholeNumber(text);
  if (number === 0) throw new InvalidArgumentError('expected a number from 1 up.');
  return number;
}

/** Decimals are allowed: some services see an order every few seconds. */
export function ordersPerSecond(text: string): number {
  const number = /^\d{1,6}(\.\d{1,3})?$/.test(text) ? Number(text) : Number.NaN;
  if (!(number > 0 && number <= 100_000)) {
    throw new InvalidArgumentError('expected a number of orders, more than 0 and up to 100000.');
  }
  return number;
}

export function offsetNumber(text: string): bigint {
  if (!/^\d{1,19}$/.test(text)) throw new InvalidArgumentError('expected an offset, such as 1200.');
  return BigInt(text);
}

const UNIT_MS = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A span back from now, such as `90s`, `15m`, `2h`, `3d`, or a date and time of ISO 8601. */
export function pointInTime(text: string): number {
  const span = /^(\d{1,6})([smhd])$/.exec(text);
  if (span) return Date.now() - Number(span[1]) * UNIT_MS[span[2] as keyof typeof UNIT_MS];
  const date = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(date)) {
    throw new InvalidArgumentError('expected a span such as 15m, 2h or 3d, or an ISO 8601 date.');
  }
  return date;
}
