import fc from 'fast-check';
import { parseInstant } from '../../../src/order-kit/instant.ts';

describe('created_at', () => {
  test.each([
    ['2026-11-24T09:30:00.123456+01:00', '2026-11-24T08:30:00.123456Z'],
    ['2026-11-24T09:30:00.123456Z', '2026-11-24T09:30:00.123456Z'],
    ['2026-11-24T09:30:00.123456', '2026-11-24T09:30:00.123456Z'],
    ['2026-11-24T09:30:00', '2026-11-24T09:30:00.000000Z'],
    ['2026-11-24T09:30', '2026-11-24T09:30:00.000000Z'],
    ['2026-11-24 09:30:00z', '2026-11-24T09:30:00.000000Z'],
    ['2026-11-24T09:30:00,5Z', '2026-11-24T09:30:00.500000Z'],
    ['2026-11-24T09:30:00.123456999Z', '2026-11-24T09:30:00.123456Z'],
    ['2026-11-24T09:30:00-0330', '2026-11-24T13:00:00.000000Z'],
    ['2026-11-24T09:30:00+05', '2026-11-24T04:30:00.000000Z'],
    ['2024-02-29T23:59:59.999999-00:01', '2024-03-01T00:00:59.999999Z'],
    ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000000Z'],
    ['9999-12-31T23:59:59.999999Z', '9999-12-31T23:59:59.999999Z'],
  ])('%s is the instant %s', (text, instant) => {
    expect(parseInstant(text)).toEqual({ ok: true, value: instant });
  });

  test.each([
    'yesterday',
    '',
    '2026-11-24',
    '1764000000',
    '2026-02-29T00:00:00Z',
    '2026-13-01T00:00:00Z',
    '2026-00-01T00:00:00Z',
    '2026-11-31T00:00:00Z',
    '2026-11-24T24:00:00Z',
    '2026-11-24T09:60:00Z',
    '2026-11-24T09:30:60Z',
    '2026-11-24T09:30:00+24:00',
    '2026-11-24T09:30:00+01:60',
    '2026-11-24T09:30:00 Europe/Berlin',
    '0000-12-31T00:00:00Z',
    '0001-01-01T00:00:00+00:01',
    '9999-12-31T23:59:59-00:01',
    '+2026-11-24T09:30:00Z',
  ])('%j is invalid', (text) => {
    expect(parseInstant(text).ok).toBe(false);
  });

  test('is the instant that JavaScript parses, for every date and offset', () => {
    const offset = fc
      .integer({ min: -23 * 60, max: 23 * 60 })
      .map(
        (m) =>
          `${m < 0 ? '-' : '+'}${[Math.trunc(Math.abs(m) / 60), Math.abs(m) % 60].map((n) => String(n).padStart(2, '0')).join(':')}`,
      );
    const date = fc.date({
      min: new Date('0002-01-01'),
      max: new Date('9998-12-31'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, offset, (day, zone) => {
        const text = `${day.toISOString().slice(0, 23)}${zone}`;
        const parsed = parseInstant(text);
        expect(parsed.ok && new Date(parsed.value).getTime()).toBe(new Date(text).getTime());
      }),
    );
  });
});
