import type {
  CompiledSchema,
  RegisteredSchema,
} from '../../../src/decode/schema-registry/schema-registry.ts';
import { SchemaRegistry } from '../../../src/decode/schema-registry/schema-registry.ts';
import { SchemaCache } from '../../../src/decode/schema-registry/schema-cache.ts';
import { SchemaDecoder } from '../../../src/decode/schema-registry/schema-decoder.ts';
import { compileAvroSchema } from '../../../src/decode/avro/avro-decoder.ts';
import { compileJsonSchema } from '../../../src/decode/json-schema/json-schema-decoder.ts';
import { compileProtobufSchema } from '../../../src/decode/protobuf/protobuf-decoder.ts';
import { recorded, recordedValue } from '../../support/schema-registry.ts';

type Answer = Awaited<ReturnType<ConstructorParameters<typeof SchemaRegistry>[0]['get']>>;

/** The registry as it answered when the messages were recorded. */
const registry = new SchemaRegistry({
  get: (path) => Promise.resolve(recorded.answers[path.replace('?deleted=true', '')] as Answer),
});

const FORMATS = {
  avro: ['AVRO', compileAvroSchema],
  'json-schema': ['JSON', compileJsonSchema],
  protobuf: ['PROTOBUF', compileProtobufSchema],
} as const satisfies Record<string, readonly [string, (s: RegisteredSchema) => CompiledSchema]>;

const decode = (format: keyof typeof FORMATS, name: string) => {
  const [type, compile] = FORMATS[format];
  const decoder = new SchemaDecoder(new SchemaCache({ registry, type, compile }));
  return decoder.decode(recordedValue(format, name), 1_000_000);
};

const text = async (format: keyof typeof FORMATS, name: string) => {
  const decoded = await decode(format, name);
  return decoded.kind === 'decoded' ? decoded.text : decoded;
};

const PROTOBUF_ORDER =
  '{"order_id":"protobuf-1","created_at":"2026-11-25T08:30:00.123456Z","customer_name":"Zoë Ångström 🚲",' +
  '"total_price":{"currency_code":"EUR","amount":12345678901234567.890000001},' +
  '"line_items":[{"product_id":"p-1","quantity":3,"unit_price":"0.10"},{"product_id":"p-2","quantity":1,"unit_price":"99999999999999.99"}],' +
  '"sequence":9007199254740993,"smallest":-9223372036854775808,"largest":18446744073709551615,"status":"PAID",' +
  '"signature":"AAECAwQFBgcICQoLDA0ODw==","labels":{"b":4611686018427387904},"card":"4242","gift":false,"ratio":0.1,"retries":0}';

describe('a message that the Python client of Confluent has written becomes JSON with every digit', () => {
  test('Avro', async () => {
    expect(await text('avro', 'order')).toBe(
      '{"order_id":"avro-1","created_at":"2026-11-24T08:30:00.123456Z","customer_name":"Zoë Ångström 🚲",' +
        '"total_price":12345678901234567.890123456789012345,' +
        '"line_items":[{"product_id":"p-1","quantity":2147483647,"unit_price":0.10},{"product_id":"p-2","quantity":1,"unit_price":99999999999999.99}],' +
        '"sequence":9007199254740993,"smallest":-9223372036854775808,"status":"PAID","note":null,"discount":-0.005,' +
        '"labels":{"ключ":"значение","a":"b"},"signature":"AAECAwQFBgcICQoLDA0ODw==","due_on":"2027-02-28",' +
        '"opens_at":"07:05:09.000042","token":"12345678-1234-5678-1234-567812345678","ratio":0.1,"exact":5e-324,' +
        '"parent":{"reference":"gift","parent":null}}',
    );
  });

  test('Protobuf, whose schema the client registers as a descriptor', async () => {
    expect(await text('protobuf', 'order')).toBe(PROTOBUF_ORDER);
  });

  test('Protobuf, for a message type that is nested in another', async () => {
    expect(await text('protobuf', 'nested-type')).toBe(`{"order":${PROTOBUF_ORDER}}`);
  });

  test('JSON Schema, whose text is not changed', async () => {
    expect(await text('json-schema', 'order')).toBe(
      '{"order_id": "json-1", "created_at": "2026-11-24T08:30:00.123456Z", "customer_name": "Zoë", "total_price": 12345678901234567.890, "line_items": [{"product_id": "p-1", "quantity": 1, "unit_price": 0.10}]}',
    );
  });
});

test('a number that JSON does not have makes the message unusable', async () => {
  expect(await text('avro', 'not-a-number')).toMatchObject({ reason: 'not-representable' });
});
