import { parseJson } from '../../../src/contract/json.ts';
import { compileJsonSchema } from '../../../src/decode/json-schema/json-schema-decoder.ts';
import { UnusableValue } from '../../../src/decode/unusable-value.ts';

const compile = (schema: unknown, references: Readonly<Record<string, unknown>> = {}) =>
  compileJsonSchema({
    type: 'JSON',
    text: JSON.stringify(schema),
    references: Object.entries(references).map(([name, one]) => ({
      name,
      text: JSON.stringify(one),
    })),
  });

const decode = (schema: unknown, text: string | Buffer, references = {}) => {
  try {
    return compile(schema, references).toJson(Buffer.from(text), 1000).text;
  } catch (error) {
    if (error instanceof UnusableValue) return { reason: error.reason, error: error.message };
    throw error;
  }
};

const PRICE = { properties: { price: { type: 'number', multipleOf: 0.01 } } };

test('valid text is not changed', () => {
  const text = ' {"b": 12345678901234567.890, "a": 1e2, "price": 19.99, "2": 1, "1": 2} ';
  expect(decode(PRICE, text)).toBe(text);
});

test('numbers are validated as such and keep their digits, also those that a double does not preserve', () => {
  const schema = { properties: { list: { items: { type: 'number', maximum: 20_000 } } } };
  for (const text of ['{"list":[1.5,10.50,-0]}', '\ufeff{"list":[1e4,1.00000000000000001]}']) {
    const decoded = compile(schema).toJson(Buffer.from(text), 1000);
    expect(decoded.text).toBe(text.replace('\ufeff', ''));
    expect(parseJson(decoded.text)).toEqual({ ok: true, value: decoded.json });
  }
  expect(decode(schema, '{"list":[20000.00000000001]}')).toMatchObject({
    reason: 'schema-mismatch',
  });
});

test.each([
  ['draft 7', 'http://json-schema.org/draft-07/schema#'],
  ['2019-09', 'https://json-schema.org/draft/2019-09/schema'],
  ['2020-12', 'https://json-schema.org/draft/2020-12/schema'],
])('%s is supported', (_, $schema) => {
  const schema = { $schema, properties: { at: { format: 'date-time' } } };
  expect(decode(schema, '{"at":"2026-11-24T08:30:00Z"}')).toBe('{"at":"2026-11-24T08:30:00Z"}');
  expect(decode(schema, '{"at":"yesterday"}')).toMatchObject({ reason: 'schema-mismatch' });
});

test('keywords of 2020-12 count', () => {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    properties: { list: { prefixItems: [{ type: 'string' }], items: false } },
  };
  expect(decode(schema, '{"list":["a",1]}')).toMatchObject({ reason: 'schema-mismatch' });
});

test.each<[string, string | Buffer, string]>([
  ['does not validate', '{"price":"secret"}', 'schema-mismatch'],
  ['is not JSON', '{"price":', 'not-json'],
  ['is not UTF-8', Buffer.of(0x22, 0xff, 0x22), 'not-utf8'],
])('text that %s is rejected without being quoted', (_, text, reason) => {
  const decoded = decode({ ...PRICE, additionalProperties: false }, text);
  expect(decoded).toMatchObject({ reason });
  expect(JSON.stringify(decoded)).not.toContain('secret');
});

test('the error names no key of the message', () => {
  const schema = { additionalProperties: { type: 'integer' } };
  expect(JSON.stringify(decode(schema, '{"jane.doe@example.com":"x"}'))).not.toContain('jane');
});

test.each([
  ['by its name', { $ref: 'item.json' }, {}],
  [
    'relative to the $id of the schema',
    { $id: 'https://example.com/order.json', $ref: 'item.json' },
    {},
  ],
  ['by its $id', { $ref: 'https://example.com/item' }, { $id: 'https://example.com/item' }],
])('a reference is found %s', (_, schema, identity) => {
  const references = { 'item.json': { ...identity, required: ['id'] } };
  expect(decode(schema, '{"id":1}', references)).toBe('{"id":1}');
  expect(decode(schema, '{}', references)).toMatchObject({ reason: 'schema-mismatch' });
});

test('a pattern that is invalid in Unicode mode is accepted', () => {
  const schema = { properties: { sku: { pattern: '^[\\w\\-]+$' }, id: { pattern: '\\-' } } };
  expect(decode(schema, '{"sku":"a-b","id":"-"}')).toBe('{"sku":"a-b","id":"-"}');
});

test.each([
  ['draft 4', { $schema: 'http://json-schema.org/draft-04/schema#' }],
  ['an unknown draft', { $schema: 'https://example.com/draft' }],
  ['a reference that is missing', { $ref: 'missing.json' }],
  ['an array', []],
  ['an asynchronous schema', { $async: true }],
])('%s is rejected', (_, schema) => {
  expect(() => compile(schema)).toThrow();
});
