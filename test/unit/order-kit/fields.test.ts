import { isJsonObject, parseJson } from '../../../src/contract/json.ts';
import { formatIssue } from '../../../src/contract/order-module.ts';
import * as fields from '../../../src/order-kit/fields.ts';
import { fingerprintOfValues } from '../../../src/order-kit/fingerprint.ts';
import { Money } from '../../../src/order-kit/money.ts';

type Schema = Parameters<typeof fields.optional>[0];

/** Translates `{"f": …}` with one field. */
function translate(field: Schema, json: string): unknown {
  const message = parseJson(json);
  if (!message.ok || !isJsonObject(message.value)) throw new Error('not an object');
  const result = fields.translateWith(fields.object({ f: field }), ({ f }) => f)(message.value);
  return result.ok ? { value: result.value } : result.issues.map(formatIssue);
}
const valueOf = (field: Schema, json: string) => translate(field, `{"f":${json}}`);

test.each<[string, Schema, string, unknown]>([
  ['text', fields.text(), '"山田"', '山田'],
  ['text that may be empty', fields.text({ min: 0 }), '""', ''],
  ['boolean', fields.boolean, 'false', false],
  ['integer', fields.integer(), '1e2', 100],
  ['bigInteger', fields.bigInteger(), '9223372036854775807', 9223372036854775807n],
  ['bigInteger as text', fields.bigInteger(), '"-9007199254740993"', -9007199254740993n],
  ['date', fields.date, '"2028-02-29"', '2028-02-29'],
  ['instant', fields.instant, '"2026-11-24T09:30+01:00"', '2026-11-24T08:30:00.000000Z'],
  ['epoch', fields.epoch(), '1700000000123', '2023-11-14T22:13:20.123000Z'],
  ['epoch in seconds', fields.epoch({ unit: 's' }), '-1', '1969-12-31T23:59:59.000000Z'],
  ['epoch in microseconds', fields.epoch({ unit: 'us' }), '-1', '1969-12-31T23:59:59.999999Z'],
  ['oneOf', fields.oneOf(['EUR', 'USD']), '"USD"', 'USD'],
  ['list of texts', fields.list(fields.text()), '["a","b"]', ['a', 'b']],
  ['optional', fields.optional(fields.text()), 'null', null],
  ['json', fields.json, '{"a":[1]}', { a: [1] }],
])('%s is read', (_name, field, json, expected) => {
  expect(valueOf(field, json)).toEqual({ value: expected });
});

test.each<[string, Schema, string, string]>([
  ['decimal', fields.decimal(), '-12345678901234567.890', '-12345678901234567.890'],
  ['decimal as text', fields.decimal({ max: 0 }), '"-0.10"', '-0.10'],
  ['decimal with zeros at the end', fields.decimal({ scale: 2 }), '0.1900', '0.1900'],
  ['money', fields.money, '0.10', '0.10'],
])('%s keeps its digits', (_name, field, json, digits) => {
  expect(String((valueOf(field, json) as { value: unknown }).value)).toBe(digits);
});

test.each<[string, Schema, string]>([
  ['text', fields.text(), '""'],
  ['text', fields.text({ min: 2, max: 2 }), '"DEU"'],
  ['text', fields.text({ min: 2, max: 2 }), '"🚀"'],
  ['boolean', fields.boolean, '"true"'],
  ['bigInteger', fields.bigInteger(), '9223372036854775808'],
  ['bigInteger', fields.bigInteger(), '1.5'],
  ['decimal', fields.decimal({ min: 0, max: 1 }), '1.0000000000000000001'],
  ['decimal', fields.decimal({ max: 0 }), '0.01'],
  ['decimal', fields.decimal({ scale: 2 }), '0.001'],
  ['decimal', fields.decimal(), '"12,50"'],
  ['money', fields.money, '-0.01'],
  ['money', fields.money, '{"currency_code":"EUR","amount":1}'],
  ['date', fields.date, '"2026-02-29"'],
  ['date', fields.date, '"2026-02-28T00:00:00Z"'],
  ['epoch', fields.epoch(), '1.5'],
  ['epoch', fields.epoch(), '9007199254740993'],
  ['oneOf', fields.oneOf(['EUR']), '"eur"'],
  ['list', fields.list(fields.text()), '"a"'],
  ['list', fields.list(fields.text(), { min: 1 }), '[]'],
])('%s is an issue that names the field', (_name, field, json) => {
  expect(valueOf(field, json)).toEqual([expect.stringMatching(/^f(\[\d\])?: expected /)]);
});

describe('googleMoney', () => {
  test('is an amount with its currency', () => {
    const money = '{"currency_code":"EUR","amount":12345678901234567.890000001,"unknown":1}';
    expect(valueOf(fields.googleMoney, money)).toEqual({
      value: { currency: 'EUR', amount: Money.from('12345678901234567.890000001') },
    });
  });

  test.each([
    ['{"currency_code":"","amount":1}', 'f.currency_code'],
    ['{"amount":1}', 'f.currency_code'],
    ['{"currency_code":"EUR","amount":-1}', 'f.amount'],
    ['{"currency_code":"EUR"}', 'f.amount'],
    ['1', 'f'],
  ])('%s is an issue at %s', (json, path) => {
    expect(valueOf(fields.googleMoney, json)).toEqual([
      expect.stringMatching(`^${path}: expected `),
    ]);
  });
});

test('an issue quotes no value', () => {
  const { boolean, date, instant, json, money, decimal, epoch, list, text } = fields;
  const all = [boolean, date, instant, money, decimal(), epoch(), list(json), text({ max: 2 })];
  for (const field of all) {
    expect(String(valueOf(field, '"Ada Lovelace"'))).not.toContain('Ada');
  }
});

test('a missing field is an issue, unless it is optional', () => {
  for (const field of [fields.boolean, fields.json, fields.date, fields.decimal()]) {
    expect(translate(field, '{}')).toEqual([expect.stringMatching(/^f: .*received nothing/)]);
    expect(translate(fields.optional(field), '{}')).toEqual({ value: null });
  }
});

test('rules about several fields are issues, once all fields are valid', () => {
  const translateOrder = fields.translateWith(
    fields.object({ a: fields.integer(), b: fields.integer() }),
    (order) => order,
    ({ a, b }) => (a > b ? [{ path: 'a', problem: 'expected no more than b' }] : []),
  );
  expect(translateOrder({ a: 1, b: 2 })).toMatchObject({ ok: true });
  expect(translateOrder({ a: 2, b: 1 })).toMatchObject({ ok: false, issues: [{ path: 'a' }] });
  expect(translateOrder({ a: 'x', b: 1 })).toMatchObject({ ok: false, issues: [{ path: 'a' }] });
});

test('the text of JSON keeps every digit', () => {
  const json = valueOf(fields.json, '{"b":12345678901234567.890,"a":0.10}') as { value: object };
  expect(fields.jsonText(json.value as Parameters<typeof fields.jsonText>[0])).toBe(
    '{"a":0.10,"b":12345678901234567.890}',
  );
});

describe('values in a fingerprint', () => {
  const of = (field: Schema, json: string) =>
    fingerprintOfValues(1, [(valueOf(field, json) as { value: never }).value]);

  test('are the same by value', () => {
    expect(of(fields.decimal(), '-10.50')).toBe(of(fields.decimal(), '"-10.5"'));
    expect(of(fields.json, '{"a":1.50,"b":2}')).toBe(of(fields.json, '{"b":2,"a":1.5}'));
    expect(fingerprintOfValues(1, [{ a: 1, b: null }])).toBe(fingerprintOfValues(1, [{ a: 1 }]));
  });

  test.each([
    ['1', '"1"'],
    ['{"code":1}', '{"code":"1"}'],
    ['[1.50]', '["1.5"]'],
  ])('differ where a number is not a text: %s and %s', (left, right) => {
    expect(of(fields.json, left)).not.toBe(of(fields.json, right));
  });

  test('differ where they are structured differently', () => {
    const all = [
      [{ number: '1' }, 2],
      [1, 2],
      [[1, 2]],
      [[1], 2],
      ['1', [2]],
      [{ a: 1 }],
      [{ a: [1] }],
      [{}],
      [null],
    ];
    const fingerprints = all.map((values) => fingerprintOfValues(1, values));
    expect(new Set(fingerprints).size).toBe(all.length);
  });

  test.each([new Date(0), new Map(), undefined, Number.NaN, () => 1])(
    'that cannot be compared are an error: %p',
    (value) => {
      expect(() => fingerprintOfValues(1, [value as never])).toThrow(TypeError);
    },
  );
});
