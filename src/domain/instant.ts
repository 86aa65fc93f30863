import { accepted, refused, type Parsed } from './parsed.ts';

declare const brand: unique symbol;

/** A point in time to the microsecond, always written `2026-11-24T08:30:00.123456Z`. */
export type Instant = string & { readonly [brand]: 'Instant' };

const EXPECTED =
  'an ISO 8601 date and time such as 2026-11-24T09:30:00.123456+01:00, in the years 0001 to 9999';

const ISO_8601 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?([Zz]|[+-]\d{2}(?::?\d{2})?)?$/;

const DAYS_IN_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const MINUTES_PER_DAY = 24 * 60;
const MS_PER_400_YEARS = 146_097 * 24 * 60 * 60 * 1000;

/**
 * Reads an ISO 8601 date and time. With `Z` or an offset it is that instant; without one it is UTC.
 * Digits past the microsecond are cut off, not rounded: Postgres keeps microseconds.
 */
export function parseInstant(text: string): Parsed<Instant> {
  const match = ISO_8601.exec(text);
  if (!match) return refused(EXPECTED);
  const [, year, month, day, hour, minute, second = '00', fraction = '', offset = 'Z'] = match;
  const offsetMinutes = parseOffset(offset);
  const isRealTime =
    isRealDate(Number(year), Number(month), Number(day)) &&
    Number(hour) < 24 &&
    Number(minute) < 60 &&
    Number(second) < 60;
  if (!isRealTime || offsetMinutes === undefined) return refused(EXPECTED);
  const minuteOfDay = Number(hour) * 60 + Number(minute) - offsetMinutes;
  const daysLater = Math.floor(minuteOfDay / MINUTES_PER_DAY);
  const date =
    daysLater === 0
      ? `${year}-${month}-${day}`
      : shiftDate(Number(year), Number(month), Number(day), daysLater);
  if (date === undefined || date.startsWith('0000')) return refused(EXPECTED);
  const utcMinute = minuteOfDay - daysLater * MINUTES_PER_DAY;
  const time = `${twoDigits(Math.floor(utcMinute / 60))}:${twoDigits(utcMinute % 60)}:${second}`;
  const microseconds = fraction.slice(0, 6).padEnd(6, '0');
  return accepted(`${date}T${time}.${microseconds}Z` as Instant);
}

const twoDigits = (value: number) => (value < 10 ? `0${value}` : String(value));

/** The day so many days later, or undefined past the year 9999. */
function shiftDate(year: number, month: number, day: number, days: number): string | undefined {
  // A year below 100 would be one of the twentieth century; four centuries are as long as any others.
  const time = Date.UTC(year + 400, month - 1, day + days) - MS_PER_400_YEARS;
  const text = new Date(time).toISOString();
  // Years of more than four digits have a sign.
  return /^\d{4}-/.test(text) ? text.slice(0, 10) : undefined;
}

function isRealDate(year: number, month: number, day: number): boolean {
  if (day < 1 || day > (DAYS_IN_MONTH[month - 1] ?? 0)) return false;
  const isLeapYear = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return month !== 2 || day < 29 || isLeapYear;
}

/** Minutes east of UTC, or undefined where no clock could show it (+25:00, +01:75). */
function parseOffset(offset: string): number | undefined {
  if (offset === 'Z' || offset === 'z') return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(3).replace(':', '') || '0');
  if (hours > 23 || minutes > 59) return undefined;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}
