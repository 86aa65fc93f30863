import { accepted, refused, type Parsed } from './parsed.ts';

declare const brand: unique symbol;

/** A point in time to the microsecond, always written `2026-11-24T08:30:00.123456Z`. */
export type Instant = string & { readonly [brand]: 'Instant' };

const EXPECTED =
  'an ISO 8601 date and time such as 2026-11-24T09:30:00.123456+01:00, in the years 0001 to 9999';

const ISO_8601 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?([Zz]|[+-]\d{2}(?::?\d{2})?)?$/;

const MS_PER_MINUTE = 60_000;

/**
 * Reads an ISO 8601 date and time. With `Z` or an offset it is that instant; without one it is UTC.
 * Digits past the microsecond are cut off, not rounded: Postgres keeps microseconds.
 */
export function parseInstant(text: string): Parsed<Instant> {
  const match = ISO_8601.exec(text);
  if (!match) return refused(EXPECTED);
  const [, year, month, day, hour, minute, second = '0', fraction = '', offset = 'Z'] = match;
  const local = new Date(0);
  local.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  local.setUTCHours(Number(hour), Number(minute), Number(second));
  const offsetMinutes = parseOffset(offset);
  const isRealTime =
    local.getUTCMonth() === Number(month) - 1 &&
    local.getUTCDate() === Number(day) &&
    Number(hour) < 24 &&
    Number(minute) < 60 &&
    Number(second) < 60;
  if (!isRealTime || offsetMinutes === undefined) return refused(EXPECTED);
  const utc = new Date(local.getTime() - offsetMinutes * MS_PER_MINUTE);
  if (utc.getUTCFullYear() < 1 || utc.getUTCFullYear() > 9999) return refused(EXPECTED);
  const microseconds = fraction.slice(0, 6).padEnd(6, '0');
  return accepted(`${utc.toISOString().slice(0, 19)}.${microseconds}Z` as Instant);
}

/** Minutes east of UTC, or undefined where no clock could show it (+25:00, +01:75). */
function parseOffset(offset: string): number | undefined {
  if (offset === 'Z' || offset === 'z') return 0;
  const hours = Number(offset.slice(1, 3));
  const minutes = Number(offset.slice(3).replace(':', '') || '0');
  if (hours > 23 || minutes > 59) return undefined;
  return (offset.startsWith('-') ? -1 : 1) * (hours * 60 + minutes);
}
