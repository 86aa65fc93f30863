import avro from 'avsc';
import fc from 'fast-check';
import { compileAvroSchema } from '../../../src/decode/avro/avro-decoder.ts';
import { UnusableValue } from '../../../src/decode/unusable-value.ts';

const compile = (schema: unknown, ...references: unknown[]) =>
  compileAvroSchema({
    type: 'AVRO',
    text: JSON.stringify(schema),
    references: references.map((one, index) => ({
      name: String(index),
      text: JSON.stringify(one),
    })),
  });

const decode = (schema: unknown, bytes: readonly number[] | Buffer, maxBytes = 10_000) =>
  compile(schema).toJson(Buffer.from(bytes), maxBytes).text;

const reasonFor = (schema: unknown, bytes: readonly number[] | Buffer, maxBytes?: number) => {
  try {
    return decode(schema, bytes, maxBytes);
  } catch (error) {
    if (error instanceof UnusableValue) return error.reason;
    throw error;
  }
};

const record = (...fields: unknown[]) => ({
  type: 'record',
  name: 'R',
  fields: fields.map((type, index) => ({ name: `f${index}`, type })),
});

const INHERITED = ['constructor', 'toString', '__proto__', 'hasOwnProperty'];

test.each(INHERITED)('a logical type with the name %s is ignored like any other', (logicalType) => {
  expect(decode(record({ type: 'long', logicalType }), [2])).toBe('{"f0":1}');
  expect(decode(record({ type: 'int', logicalType }), [2])).toBe('{"f0":1}');
});

describe('a value becomes JSON', () => {
  test.each<[string, unknown, readonly number[], string]>([
    ['null', 'null', [], 'null'],
    ['boolean', 'boolean', [1], 'true'],
    ['int', 'int', [0xff, 0xff, 0xff, 0xff, 0x0f], '-2147483648'],
    [
      'the smallest long',
      'long',
      [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
      '-9223372036854775808',
    ],
    [
      'the largest long',
      'long',
      [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
      '9223372036854775807',
    ],
    ['float', 'float', [0xcd, 0xcc, 0xcc, 0x3d], '0.1'],
    ['double -0', 'double', [0, 0, 0, 0, 0, 0, 0, 0x80], '-0'],
    ['string', 'string', [4, 0xc3, 0xa9], '"é"'],
    ['a string that needs escapes', 'string', [6, 0x22, 0x0a, 0x5c], '"\\"\\n\\\\"'],
    ['bytes', 'bytes', [4, 0, 255], '"AP8="'],
    ['fixed', { type: 'fixed', name: 'F', size: 2 }, [0, 255], '"AP8="'],
    ['enum', { type: 'enum', name: 'E', symbols: ['A', 'B'] }, [2], '"B"'],
    ['the null of a union', ['null', 'string'], [0], 'null'],
    ['another branch, which is not wrapped', ['null', 'string'], [2, 2, 0x61], '"a"'],
    ['array', { type: 'array', items: 'int' }, [4, 2, 4, 2, 6, 0], '[1,2,3]'],
    [
      'an array in a block with its size',
      { type: 'array', items: 'int' },
      [3, 4, 2, 4, 0],
      '[1,2]',
    ],
    ['map', { type: 'map', values: 'int' }, [2, 2, 0x61, 2, 0], '{"a":1}'],
    ['record', record('int', 'string'), [2, 0], '{"f0":1,"f1":""}'],
    ['date', { type: 'int', logicalType: 'date' }, [1], '"1969-12-31"'],
    ['time-millis', { type: 'int', logicalType: 'time-millis' }, [2], '"00:00:00.001"'],
    [
      'timestamp-millis',
      { type: 'long', logicalType: 'timestamp-millis' },
      [1],
      '"1969-12-31T23:59:59.999Z"',
    ],
    [
      'timestamp-micros',
      { type: 'long', logicalType: 'timestamp-micros' },
      [2],
      '"1970-01-01T00:00:00.000001Z"',
    ],
    [
      'timestamp-nanos',
      { type: 'long', logicalType: 'timestamp-nanos' },
      [2],
      '"1970-01-01T00:00:00.000000001Z"',
    ],
    [
      'local-timestamp-micros',
      { type: 'long', logicalType: 'local-timestamp-micros' },
      [2],
      '"1970-01-01T00:00:00.000001"',
    ],
    [
      'decimal',
      { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 },
      [4, 0x04, 0x1a],
      '10.50',
    ],
    [
      'a negative decimal',
      { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 3 },
      [2, 0xfb],
      '-0.005',
    ],
    [
      'a decimal without a fraction',
      { type: 'bytes', logicalType: 'decimal', precision: 9 },
      [2, 0x05],
      '5',
    ],
    [
      'a decimal in fixed',
      { type: 'fixed', name: 'F', size: 3, logicalType: 'decimal', precision: 5, scale: 2 },
      [0, 0, 1],
      '0.01',
    ],
    ['big-decimal', { type: 'bytes', logicalType: 'big-decimal' }, [8, 4, 0x04, 0x1a, 4], '10.50'],
    [
      'a uuid in fixed',
      { type: 'fixed', name: 'F', size: 16, logicalType: 'uuid' },
      Array<number>(16).fill(0xab),
      '"abababab-abab-abab-abab-abababababab"',
    ],
    [
      'a duration',
      { type: 'fixed', name: 'F', size: 12, logicalType: 'duration' },
      [1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0],
      '{"months":1,"days":2,"millis":3}',
    ],
    [
      'a logical type of another type, which does not count',
      { type: 'string', logicalType: 'date' },
      [2, 0x61],
      '"a"',
    ],
    ['an unknown logical type', { type: 'int', logicalType: 'color' }, [2], '1'],
  ])('%s', (_, schema, bytes, json) => {
    expect(decode(schema, bytes)).toBe(json);
  });

  test('a type can be recursive', () => {
    const schema = {
      type: 'record',
      name: 'a.b.Node',
      fields: [{ name: 'next', type: ['null', 'Node'] }],
    };
    expect(decode(schema, [2, 2, 0])).toBe('{"next":{"next":{"next":null}}}');
  });

  test('a type can be that of another schema', () => {
    const schema = {
      type: 'record',
      name: 'Order',
      namespace: 'x',
      fields: [{ name: 'item', type: 'Item' }],
    };
    const item = { type: 'record', name: 'x.Item', fields: [{ name: 'id', type: 'string' }] };
    expect(compile(schema, item).toJson(Buffer.from([2, 0x61]), 100).text).toBe(
      '{"item":{"id":"a"}}',
    );
  });
});

describe('bytes that do not fit the schema are rejected', () => {
  test.each<[string, unknown, readonly number[]]>([
    ['too few', record('int', 'int'), [2]],
    ['too many', 'int', [2, 0]],
    ['a boolean of 2', 'boolean', [2]],
    ['an int of 33 bits', 'int', [0xfe, 0xff, 0xff, 0xff, 0x1f]],
    ['a varint of 11 bytes', 'long', Array<number>(11).fill(0x80)],
    ['a varint of 70 bits', 'long', [...Array<number>(9).fill(0xff), 0x7f]],
    ['a string longer than the rest', 'string', [20, 0x61]],
    ['a string of a negative length', 'string', [1]],
    [
      'a string of a huge length',
      'string',
      [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
    ],
    ['a string that is not UTF-8', 'string', [2, 0xff]],
    ['an unknown symbol', { type: 'enum', name: 'E', symbols: ['A'] }, [2]],
    ['an unknown branch', ['null', 'int'], [4]],
    ['a negative branch', ['null', 'int'], [1]],
    ['a decimal without bytes', { type: 'bytes', logicalType: 'decimal', precision: 9 }, [0]],
  ])('%s', (_, schema, bytes) => {
    expect(reasonFor(schema, bytes)).toBe('schema-mismatch');
  });
});

describe('values that JSON does not have are rejected', () => {
  test.each<[string, unknown, Buffer]>([
    ['NaN', 'double', Buffer.from('000000000000f87f', 'hex')],
    ['infinity', 'float', Buffer.from('0000807f', 'hex')],
    [
      'a date after 9999',
      { type: 'long', logicalType: 'timestamp-millis' },
      avro.Type.forSchema('long').toBuffer(253402300800000),
    ],
    [
      'a time of day after 24:00',
      { type: 'int', logicalType: 'time-millis' },
      avro.Type.forSchema('int').toBuffer(86400000),
    ],
  ])('%s', (_, schema, bytes) => {
    expect(reasonFor(schema, bytes)).toBe('not-representable');
  });

  test('levels that are too many, even if they take no bytes', () => {
    const schema = { type: 'record', name: 'Loop', fields: [{ name: 'next', type: 'Loop' }] };
    expect(reasonFor(schema, [], 1_000_000)).toBe('not-representable');
  });
});

test('few bytes that stand for a long text are rejected', () => {
  const schema = { type: 'array', items: 'null' };
  const billion = avro.Type.forSchema('long').toBuffer(1_000_000_000);
  expect(reasonFor(schema, Buffer.concat([billion, Buffer.of(0)]))).toBe('too-large');
});

test.each([
  ['an unknown type', 'Unknown'],
  ['a type that is defined twice', record(record('int'))],
  ['a record without fields', { type: 'record', name: 'R' }],
  ['a type without a name', { type: 'enum', symbols: [] }],
  ['a number', 5],
])('a schema with %s is rejected', (_, schema) => {
  expect(() => compile(schema)).toThrow();
});

interface Sample {
  readonly schema: avro.Schema;
  readonly value: unknown;
}

const sampleOf = (schema: avro.Schema, value: unknown): Sample => ({ schema, value });

/** Schemas of avsc's types whose values have the same JSON here, with values for them. */
const { any: sample } = fc.letrec<{ any: Sample }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }).map((value) => sampleOf('int', value)),
    // avsc 5.7.9 writes -(2 ** 52) - 1 as 2 ** 52.
    fc.integer({ min: -(2 ** 51), max: 2 ** 51 }).map((value) => sampleOf('long', value)),
    // JSON.stringify writes -0 as 0.
    fc
      .double({ noNaN: true, noDefaultInfinity: true })
      .map((value) => sampleOf('double', value + 0)),
    fc.boolean().map((value) => sampleOf('boolean', value)),
    fc.string({ unit: 'grapheme' }).map((value) => sampleOf('string', value)),
    fc.constant(sampleOf('null', null)),
    tie('any').chain(({ schema, value }) =>
      fc
        .nat(3)
        .map((length) => sampleOf({ type: 'array', items: schema }, Array(length).fill(value))),
    ),
    tie('any').map(({ schema, value }) =>
      sampleOf({ type: 'map', values: schema }, { first: value, second: value }),
    ),
    fc.array(tie('any'), { maxLength: 4 }).map((parts) =>
      sampleOf(
        {
          type: 'record',
          name: 'R0',
          fields: parts.map(({ schema }, index) => ({ name: `f${index}`, type: schema })),
        },
        Object.fromEntries(parts.map(({ value }, index) => [`f${index}`, value])),
      ),
    ),
  ),
}));

test('what avsc writes is read as avsc means it', () => {
  fc.assert(
    fc.property(sample, ({ schema, value }) => {
      const text = uniquelyNamed(schema, value);
      expect(JSON.parse(text.read)).toEqual(JSON.parse(text.written));
    }),
  );
});

/** A record may occur several times in a generated schema; each gets a name of its own. */
function uniquelyNamed(schema: avro.Schema, value: unknown) {
  let count = 0;
  const renamed = JSON.parse(
    JSON.stringify(schema).replace(/"name":"R\d+"/g, () => `"name":"R${(count += 1)}"`),
  ) as avro.Schema;
  const bytes = avro.Type.forSchema(renamed).toBuffer(value);
  return {
    read: compile(renamed).toJson(bytes, 1_000_000).text,
    written: JSON.stringify(value),
  };
}
