import { ok, err, type Parsed } from '../contract/parsed.ts';

declare const brand: unique symbol;

/** A point in time to the microsecond, always written `2026-11-24T08:30:00.123456Z`. */
export type Instant = string & { readonly [brand]: 'Instant' };

const EXPECTED =
  'an ISO 8601 date and time such as 2026-11-24T09:30:00.123456+01:00, in the years 0001 to 9999';

/** From year to minute, every text has the same layout, so these parts are read by position. */
const ISO_8601 =
  /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:[Zz]|[+-]\d{2}(?::?\d{2})?)?$/;
const MINUTE_END = 16;
const SECOND = MINUTE_END + 1;
const SECOND_END = SECOND + 2;
const MICROSECOND_END = SECOND_END + 7;

const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const MINUTES_PER_DAY = 24 * 60;
const MS_PER_400_YEARS = 146_097 * 24 * 60 * 60 * 1000;

/**
 * Parses an ISO 8601 date and time. Without an offset it is in UTC. Digits beyond microseconds, the
 * precision of Postgres, are truncated and not rounded.
 */
export function parseInstant(text: string): Parsed<Instant> {
  if (!ISO_8601.test(text)) return err(EXPECTED);
  const year = twoDigitsAt(text, 0) * 100 + twoDigitsAt(text, 2);
  const month = twoDigitsAt(text, 5);
  const day = twoDigitsAt(text, 8);
  const hour = twoDigitsAt(text, 11);
  const minute = twoDigitsAt(text, 14);
  const timeEnd = endOfTime(text);
  const second = timeEnd === MINUTE_END ? 0 : twoDigitsAt(text, SECOND);
  const offsetMinutes = parseOffset(text.slice(timeEnd));
  const isRealTime = isRealDate(year, month, day) && hour < 24 && minute < 60 && second < 60;
  if (!isRealTime || offsetMinutes === undefined) return err(EXPECTED);
  const minuteOfDay = hour * 60 + minute - offsetMinutes;
  const daysLater = Math.floor(minuteOfDay / MINUTES_PER_DAY);
  const date = daysLater === 0 ? text.slice(0, 10) : shiftDate(year, month, day, daysLater);
  if (date === undefined || date.startsWith('0000')) return err(EXPECTED);
  const time = MINUTES_OF_DAY[minuteOfDay - daysLater * MINUTES_PER_DAY];
  const seconds = text.slice(SECOND, Math.min(timeEnd, MICROSECOND_END)).replace(',', '.');
  return ok(`${date}${time}${seconds}${'00.000000'.slice(seconds.length)}Z` as Instant);
}

const ZERO = 0x30;
const COLON = 0x3a;
const POINT = 0x2e;
const COMMA = 0x2c;

const isDigit = (unit: number) => unit >= ZERO && unit < ZERO + 10;

const twoDigitsAt = (text: string, index: number) =>
  (text.charCodeAt(index) - ZERO) * 10 + text.charCodeAt(index + 1) - ZERO;

const twoDigits = (value: number) => String(value).padStart(2, '0');

/** `T00:00:` to `T23:59:`. */
const MINUTES_OF_DAY = Array.from(
  { length: MINUTES_PER_DAY },
  (_, minute) => `T${twoDigits(Math.floor(minute / 60))}:${twoDigits(minute % 60)}:`,
);

/** The index after the time, where an offset begins if there is one. */
function endOfTime(text: string): number {
  if (text.charCodeAt(MINUTE_END) !== COLON) return MINUTE_END;
  const mark = text.charCodeAt(SECOND_END);
  if (mark !== POINT && mark !== COMMA) return SECOND_END;
  let index = SECOND_END + 1;
  while (isDigit(text.charCodeAt(index))) index += 1;
  return index;
}

/** The date this many days later; undefined after the year 9999. */
function shiftDate(year: number, month: number, day: number, days: number): string | undefined {
  // `Date.UTC` maps years below 100 to the 20th century, and the calendar repeats every 400 years.
  const time = Date.UTC(year + 400, month - 1, day + days) - MS_PER_400_YEARS;
  const text = new Date(time).toISOString();
  // A year with more than four digits is written with a sign.
  return /^\d{4}-/.test(text) ? text.slice(0, 10) : undefined;
}

function isRealDate(year: number, month: number, day: number): boolean {
  if (day < 1 || day > (DAYS_IN_MONTH[month - 1] ?? 0)) return false;
  const isLeapYear = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month !== 2 || day < 29 || isLeapYear;
}

/** Minutes east of UTC; undefined if the offset is not a time of day (+25:00, +01:75). */
function parseOffset(offset: string): number | undefined {
  if (offset === '' || offset === 'Z' || offset === 'z') return 0;
  const hours = twoDigitsAt(offset, 1);
  const minutes = offset.length > 3 ? twoDigitsAt(offset, offset.length - 2) : 0;
  if (hours > 23 || minutes > 59) return undefined;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}
