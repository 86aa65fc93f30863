import { notRepresentable } from './unusable-value.ts';

/** The first and the last second of the years 0001 to 9999, which ISO 8601 writes with four digits. */
const MIN_SECOND = -62_135_596_800n;
const MAX_SECOND = 253_402_300_799n;
const SECONDS_PER_DAY = 86_400n;

/** Digits after the second: milliseconds, microseconds or nanoseconds. */
export type FractionDigits = 3 | 6 | 9;

const PER_SECOND = { 3: 1000n, 6: 1_000_000n, 9: 1_000_000_000n } as const;

/**
 * A date and time in ISO 8601 without an offset: `2026-11-24T08:30:00.123456`.
 *
 * @param sinceEpoch units since 1970-01-01T00:00:00; `digits` is their decimal exponent
 */
export function dateTimeText(sinceEpoch: bigint, digits: FractionDigits): string {
  const [second, fraction] = divide(sinceEpoch, PER_SECOND[digits]);
  return `${dateTimeOfSecond(second)}.${fraction.toString().padStart(digits, '0')}`;
}

/** `2026-11-24T08:30:00` */
export function dateTimeOfSecond(second: bigint): string {
  if (second < MIN_SECOND || second > MAX_SECOND) {
    throw notRepresentable('a date outside the years 0001 to 9999');
  }
  return new Date(Number(second) * 1000).toISOString().slice(0, 'YYYY-MM-DDThh:mm:ss'.length);
}

/** `2026-11-24` */
export const dateText = (daysSinceEpoch: bigint): string =>
  dateTimeOfSecond(daysSinceEpoch * SECONDS_PER_DAY).slice(0, 'YYYY-MM-DD'.length);

/** `08:30:00.123` */
export function timeOfDayText(sinceMidnight: bigint, digits: FractionDigits): string {
  if (sinceMidnight < 0n || sinceMidnight >= SECONDS_PER_DAY * PER_SECOND[digits]) {
    throw notRepresentable('a time of day outside 00:00 to 24:00');
  }
  return dateTimeText(sinceMidnight, digits).slice('YYYY-MM-DDT'.length);
}

/** Rounds towards minus infinity, so that the remainder is not negative. */
function divide(dividend: bigint, divisor: bigint): [quotient: bigint, remainder: bigint] {
  const remainder = ((dividend % divisor) + divisor) % divisor;
  return [(dividend - remainder) / divisor, remainder];
}
