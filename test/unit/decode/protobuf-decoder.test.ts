import protobuf from 'protobufjs';
import { compileProtobufSchema } from '../../../src/decode/protobuf/protobuf-decoder.ts';
import { parseJson } from '../../../src/contract/json.ts';
import { UnusableValue } from '../../../src/decode/unusable-value.ts';

const FIRST_TYPE = [0];

/** Decodes what protobufjs has encoded by the same schema. */
function roundTrip(
  text: string,
  message: Readonly<Record<string, unknown>>,
  { type = 'M', indexes = FIRST_TYPE, references = [] as { name: string; text: string }[] } = {},
): string {
  const root = new protobuf.Root();
  for (const reference of references) protobuf.parse(reference.text, root, { keepCase: true });
  protobuf.parse(text, root, { keepCase: true });
  for (const name of [
    'timestamp',
    'duration',
    'wrappers',
    'struct',
    'any',
    'field_mask',
    'empty',
  ]) {
    const file = protobuf.common.get(`google/protobuf/${name}.proto`);
    if (file?.nested) root.addJSON(file.nested);
  }
  root.define('google.type').addJSON({
    Money: {
      fields: {
        currency_code: { type: 'string', id: 1 },
        units: { type: 'int64', id: 2 },
        nanos: { type: 'int32', id: 3 },
      },
    },
  });
  const encoder = root.lookupType(type);
  return decode(text, encoder.encode(encoder.fromObject(message)).finish(), indexes, references);
}

const decode = (
  text: string,
  bytes: Uint8Array | readonly number[],
  indexes: readonly number[] = FIRST_TYPE,
  references: { name: string; text: string }[] = [],
) =>
  compileProtobufSchema({ type: 'PROTOBUF', text, references }).toJson(
    Buffer.from([...indexes, ...bytes]),
    100_000,
  ).text;

function reasonFor(run: () => string): string {
  try {
    return run();
  } catch (error) {
    if (error instanceof UnusableValue) return error.reason;
    throw error;
  }
}

const proto3 = (body: string, imports: readonly string[] = []) =>
  `syntax = "proto3"; package p; ${imports.map((file) => `import "${file}";`).join(' ')} ${body}`;

const GOOGLE = (name: string) => `google/protobuf/${name}.proto`;

test.each(['constructor', 'toString'])('%s is a name like any other', (name) => {
  const schema = proto3(
    `message ${name} { int32 ${name} = 1; oneof o { E e = 2; } } enum E { ${name}_ = 0; }`,
    [name],
  );
  expect(decode(schema, [8, 1, 16, 0])).toBe(`{"${name}":1,"e":"${name}_"}`);
});

test('a long schema that is neither Base64 nor a source file is rejected at once', () => {
  const begun = performance.now();
  expect(() => decode(`${' '.repeat(100_000)}!`, [])).toThrow();
  expect(performance.now() - begun).toBeLessThan(5000);
});

describe('a message becomes JSON', () => {
  test('fields without presence are written with their defaults, in the order of the file', () => {
    const schema = proto3(`
      message M { string zeta_name = 9; int32 a = 1; repeated int64 list = 2; map<string, bool> flags = 3;
        bytes raw = 4; E e = 5; optional int32 maybe = 6; N nested = 7; double d = 8; }
      enum E { NONE = 0; SOME = 1; } message N { int32 x = 1; }`);
    expect(roundTrip(schema, {}, { type: 'p.M' })).toBe(
      '{"zeta_name":"","a":0,"list":[],"flags":{},"raw":"","e":"NONE","d":0}',
    );
    const set = { maybe: 0, nested: {}, e: 'SOME', list: ['9007199254740993'], flags: { t: true } };
    expect(roundTrip(schema, set, { type: 'p.M' })).toBe(
      '{"zeta_name":"","a":0,"list":[9007199254740993],"flags":{"t":true},"raw":"","e":"SOME","maybe":0,"nested":{"x":0},"d":0}',
    );
  });

  test.each(['int64', 'sint64', 'sfixed64', 'uint64', 'fixed64', 'int32', 'bool', 'string'])(
    'an entry of a map with the key type %s that has no key has the default key',
    (keyType) => {
      const schema = proto3(`message M { map<${keyType}, string> m = 1; }`);
      const key = { bool: 'false', string: '' }[keyType] ?? '0';
      expect(decode(schema, [0x0a, 3, 0x12, 1, 0x61])).toBe(`{"m":{"${key}":"a"}}`);
      expect(decode(schema, [0x0a, 0])).toBe(`{"m":{"${key}":""}}`);
    },
  );

  test('an entry of a map that has no value has the default value', () => {
    const schema = proto3(
      'message M { map<string, N> m = 1; map<string, E> e = 2; } message N { int32 x = 1; } enum E { NONE = 0; }',
    );
    expect(decode(schema, [0x0a, 3, 0x0a, 1, 0x61, 0x12, 3, 0x0a, 1, 0x62])).toBe(
      '{"m":{"a":{"x":0}},"e":{"b":"NONE"}}',
    );
  });

  test('64-bit integers keep their digits, also as keys of maps', () => {
    const schema = proto3(
      'message M { uint64 u = 1; sint64 s = 2; fixed64 f = 3; map<int64, string> m = 4; map<uint64, string> n = 5; }',
    );
    const values = {
      u: '18446744073709551615',
      s: '-9223372036854775808',
      f: '9007199254740993',
      m: { '-5': 'a' },
      n: { '18446744073709551615': 'b' },
    };
    const encoded = [
      ...[
        0x22, 0x0e, 0x08, 0xfb, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x12, 1, 0x61,
      ],
      ...[
        0x2a, 0x0e, 0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0x12, 1, 0x62,
      ],
    ];
    expect(JSON.parse(decode(schema, encoded))).toMatchObject({ m: values.m, n: values.n });
    expect(roundTrip(schema, { u: values.u, s: values.s, f: values.f }, { type: 'p.M' })).toContain(
      '{"u":18446744073709551615,"s":-9223372036854775808,"f":9007199254740993,',
    );
  });

  test.each<[string, string, string, Record<string, unknown>, string]>([
    [
      'a timestamp to the second',
      'Timestamp',
      'timestamp',
      { seconds: 1 },
      '"1970-01-01T00:00:01Z"',
    ],
    [
      'a timestamp to the nanosecond',
      'Timestamp',
      'timestamp',
      { seconds: -1, nanos: 1 },
      '"1969-12-31T23:59:59.000000001Z"',
    ],
    [
      'a timestamp to the millisecond',
      'Timestamp',
      'timestamp',
      { nanos: 120_000_000 },
      '"1970-01-01T00:00:00.120Z"',
    ],
    ['a duration', 'Duration', 'duration', { seconds: -1, nanos: -500_000_000 }, '"-1.500s"'],
    [
      'a wrapper',
      'UInt64Value',
      'wrappers',
      { value: '18446744073709551615' },
      '18446744073709551615',
    ],
    ['a wrapper with the default value', 'StringValue', 'wrappers', {}, '""'],
    ['a field mask', 'FieldMask', 'field_mask', { paths: ['a_b', 'c'] }, '"a_b,c"'],
    ['nothing', 'Empty', 'empty', {}, '{}'],
    [
      'a struct',
      'Struct',
      'struct',
      {
        fields: {
          a: { numberValue: 1.5 },
          b: { listValue: { values: [{ nullValue: 0 }, { boolValue: true }] } },
        },
      },
      '{"a":1.5,"b":[null,true]}',
    ],
  ])('%s', (_, type, file, value, json) => {
    const schema = proto3(`message M { google.protobuf.${type} v = 1; }`, [GOOGLE(file)]);
    expect(roundTrip(schema, { v: value }, { type: 'p.M' })).toBe(`{"v":${json}}`);
  });

  test.each<[string, Record<string, unknown>, string]>([
    [
      'units and nanos',
      { currency_code: 'EUR', units: 12, nanos: 340_000_000 },
      '{"currency_code":"EUR","amount":12.34}',
    ],
    [
      'a negative amount',
      { currency_code: 'EUR', units: 0, nanos: -1 },
      '{"currency_code":"EUR","amount":-0.000000001}',
    ],
    [
      'all digits',
      { units: '9223372036854775807', nanos: 999_999_999 },
      '{"currency_code":"","amount":9223372036854775807.999999999}',
    ],
    ['a whole number', { units: 100 }, '{"currency_code":"","amount":100}'],
    ['zero', {}, '{"currency_code":"","amount":0}'],
  ])('money with %s', (_, money, json) => {
    const schema = proto3('message M { google.type.Money v = 1; }', ['google/type/money.proto']);
    expect(roundTrip(schema, { v: money }, { type: 'p.M' })).toBe(`{"v":${json}}`);
  });

  test('decimals of Confluent and of Google', () => {
    const schema = proto3(
      'message M { confluent.type.Decimal c = 1; google.type.Decimal g = 2; }',
      ['confluent/type/decimal.proto', 'google/type/decimal.proto'],
    );
    const bytes = [
      0x0a,
      6,
      0x0a,
      2,
      0x04,
      0x1a,
      0x18,
      2,
      0x12,
      7,
      0x0a,
      5,
      ...Buffer.from('+0.50'),
    ];
    expect(decode(schema, bytes)).toBe('{"c":10.50,"g":0.50}');
  });

  const googleDecimal = (text: string) => {
    const schema = proto3('message M { google.type.Decimal g = 1; }', [
      'google/type/decimal.proto',
    ]);
    const value = Buffer.from(text);
    return decode(schema, [0x0a, value.length + 2, 0x0a, value.length, ...value]);
  };

  test.each([
    ['', '0'],
    ['.5', '0.5'],
    ['-.50', '-0.50'],
    ['5.', '5'],
    ['+007.10', '7.10'],
    ['000', '0'],
    ['-12.5E+3', '-12.5E+3'],
    ['.5e-8', '0.5e-8'],
    ['5.e2', '5e2'],
  ])('the google.type.Decimal "%s" is the number %s', (text, expected) => {
    expect(googleDecimal(text)).toBe(`{"g":${expected}}`);
    expect(parseJson(googleDecimal(text))).toMatchObject({ ok: true });
  });

  test('a google.type.Decimal that is set but empty is 0', () => {
    const schema = proto3('message M { google.type.Decimal g = 1; }', [
      'google/type/decimal.proto',
    ]);
    expect(decode(schema, [0x0a, 0])).toBe('{"g":0}');
    expect(decode(schema, [])).toBe('{}');
  });

  test.each(['.', '-', '+.', 'e5', '5e', '1,5', '0x10', '1.2.3', ' 1', 'NaN'])(
    'the google.type.Decimal "%s" is not a number',
    (text) => {
      expect(reasonFor(() => googleDecimal(text))).toBe('not-representable');
    },
  );

  test('Any, of a type that the schema has', () => {
    const schema = proto3('message M { google.protobuf.Any v = 1; } message N { int32 x = 1; }', [
      GOOGLE('any'),
    ]);
    const any = { type_url: 'type.googleapis.com/p.N', value: Buffer.of(8, 5).toString('base64') };
    expect(roundTrip(schema, { v: any }, { type: 'p.M' })).toBe(
      '{"v":{"@type":"type.googleapis.com/p.N","x":5}}',
    );
    const other = { ...any, type_url: 'type.googleapis.com/p.Other' };
    expect(reasonFor(() => roundTrip(schema, { v: other }, { type: 'p.M' }))).toBe(
      'not-representable',
    );
  });

  test('proto2: declared defaults, enums and groups', () => {
    const schema =
      'syntax = "proto2"; message M { optional string a = 1 [default = "x"]; optional int64 b = 2 [default = -7]; optional E e = 3 [default = TWO]; optional int32 unset = 4; required int32 must = 5; enum E { ONE = 1; TWO = 2; } }';
    expect(decode(schema, [0x28, 1])).toBe('{"a":"x","b":-7,"e":"TWO","must":1}');
    expect(reasonFor(() => decode(schema, []))).toBe('schema-mismatch');
    const large = schema.replace('-7', '9007199254740993');
    expect(reasonFor(() => decode(large, [0x28, 1]))).toBe('not-representable');
  });

  test('unknown fields and unknown enum values', () => {
    const schema = proto3('message M { E e = 1; } enum E { NONE = 0; }');
    expect(decode(schema, [0x08, 7, 0x78, 1])).toBe('{"e":7}');
  });

  test('the parts of a message that is split are merged', () => {
    const schema = proto3('message M { N n = 1; } message N { int32 x = 1; int32 y = 2; }');
    expect(decode(schema, [0x0a, 2, 0x08, 1, 0x0a, 2, 0x10, 2])).toBe('{"n":{"x":1,"y":2}}');
  });
});

describe('the message type', () => {
  const schema = proto3(
    'message A { int32 a = 1; } message B { message C { int32 c = 1; } message D { int32 d = 1; } }',
  );
  const inOther = { name: 'other.proto', text: proto3('message Other { int32 o = 1; }') };

  test.each([
    ['the first one, in short', [0], '{"a":5}'],
    ['the first one', [2, 0], '{"a":5}'],
    ['a nested one', [4, 2, 2], '{"d":5}'],
  ])('is %s', (_, indexes, json) => {
    expect(decode(schema, [8, 5], indexes, [inOther])).toBe(json);
  });

  test.each([
    ['does not exist', [2, 4]],
    ['has too many indexes', [6, 0, 0, 0]],
    ['has a negative index', [2, 1]],
    ['has a negative number of indexes', [1]],
    ['is cut off', [4, 2]],
  ])('%s', (_, indexes) => {
    expect(reasonFor(() => decode(schema, [], indexes))).toBe('schema-mismatch');
  });
});

describe('bytes that do not fit the schema are rejected', () => {
  const schema = proto3('message M { string s = 1; int32 i = 2; M m = 3; }');
  test.each([
    ['too few', [0x0a, 5, 0x61]],
    ['a string that is not UTF-8', [0x0a, 1, 0xff]],
    ['an invalid tag', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff]],
    ['a wrong length of a nested message', [0x1a, 9, 0x10]],
  ])('%s', (_, bytes) => {
    expect(reasonFor(() => decode(schema, bytes))).toBe('schema-mismatch');
  });

  test('a string of proto2 that is not UTF-8', () => {
    const proto2 = 'syntax = "proto2"; message M { optional string s = 1; }';
    expect(reasonFor(() => decode(proto2, [0x0a, 1, 0xff]))).toBe('schema-mismatch');
  });
});

describe('a schema', () => {
  test('may import files for their options, which nobody registers', () => {
    const schema = proto3('message M { string s = 1 [(buf.validate.field).required = true]; }', [
      'buf/validate/validate.proto',
    ]);
    expect(decode(schema, [])).toBe('{"s":""}');
  });

  test.each([
    ['uses a type that is nowhere', proto3('message M { other.Type t = 1; }')],
    ['is not Protobuf', '{ "type": "record" }'],
    ['is neither text nor a descriptor', 'AAAA'],
  ])('that %s is rejected', (_, text) => {
    expect(() => compileProtobufSchema({ type: 'PROTOBUF', text, references: [] })).toThrow();
  });
});
