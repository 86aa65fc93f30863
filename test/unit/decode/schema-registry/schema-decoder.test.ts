import { compileProtobufSchema } from '../../../../src/decode/protobuf/protobuf-decoder.ts';
import { SchemaCache } from '../../../../src/decode/schema-registry/schema-cache.ts';
import { SchemaDecoder } from '../../../../src/decode/schema-registry/schema-decoder.ts';
import type { RegisteredSchema } from '../../../../src/decode/schema-registry/schema-registry.ts';
import { UnusableValue } from '../../../../src/decode/unusable-value.ts';
import { createManualClock } from '../../../support/manual-clock.ts';
import { framed } from '../../../support/schema-registry.ts';

/** A registry whose answers the test gives, and a decoder whose schemas accept bodies that are JSON. */
function setUp(answer: (id: number) => Promise<Partial<RegisteredSchema> | undefined>) {
  const asked: number[] = [];
  const clock = createManualClock();
  const schemas = new SchemaCache({
    registry: {
      async schema(id) {
        asked.push(id);
        const found = await answer(id);
        return found && { type: 'AVRO', text: '', references: [], ...found };
      },
    },
    type: 'AVRO',
    compile({ text }) {
      if (text === 'broken') throw new Error('it is broken');
      return { toJson: (body) => ({ text: body.toString() }) };
    },
    clock,
    wait: (ms) => {
      clock.advance(ms);
      return Promise.resolve();
    },
  });
  return { decoder: new SchemaDecoder(schemas), asked, clock };
}

const found = () => Promise.resolve({});
const value = (id: number, json = '{"a":1}') => framed(id, Buffer.from(json));

test('a schema is read once, and values are decoded at once from then on', async () => {
  const { decoder, asked } = setUp(found);
  const results = [decoder.decode(value(7), 100), decoder.decode(value(7), 100)];
  expect(results.every((result) => result instanceof Promise)).toBe(true);
  for (const result of results) await expect(result).resolves.toMatchObject({ text: '{"a":1}' });
  expect(decoder.decode(value(7), 100)).toEqual({
    kind: 'decoded',
    text: '{"a":1}',
    json: { a: 1 },
  });
  expect(decoder.prepare(value(7))).toBeUndefined();
  expect(asked).toEqual([7]);
});

test('a registry that cannot be asked is not remembered', async () => {
  let isDown = true;
  const { decoder } = setUp(() => (isDown ? Promise.reject(new Error('down')) : found()));
  await expect(decoder.decode(value(7), 100)).rejects.toThrow('down');
  await expect(decoder.prepare(value(7))).rejects.toThrow('down');
  isDown = false;
  await expect(decoder.decode(value(7), 100)).resolves.toMatchObject({ kind: 'decoded' });
});

test('an ID is unknown when the registry has said so for 15 seconds, and is asked for again after 30 seconds', async () => {
  let isRegistered = false;
  const { decoder, asked, clock } = setUp(() => Promise.resolve(isRegistered ? {} : undefined));
  const begun = clock.now();
  await expect(decoder.decode(value(7), 100)).resolves.toMatchObject({
    reason: 'unknown-schema-id',
  });
  expect(clock.now() - begun).toBe(15_000);
  expect(asked).toEqual([7, 7, 7, 7, 7, 7]);
  isRegistered = true;
  expect(decoder.decode(value(7), 100)).toMatchObject({ reason: 'unknown-schema-id' });
  clock.advance(30_000);
  await expect(decoder.decode(value(7), 100)).resolves.toMatchObject({ kind: 'decoded' });
});

test('a follower of the registry may take 14 seconds to know a new schema', async () => {
  const { decoder, clock } = setUp(() => Promise.resolve(clock.now() < 14_000 ? undefined : {}));
  await expect(decoder.decode(value(7), 100)).resolves.toMatchObject({ kind: 'decoded' });
});

test('an ID that is still unknown after 30 seconds is not waited for again', async () => {
  const { decoder, asked, clock } = setUp(() => Promise.resolve(undefined));
  await decoder.decode(value(7), 100);
  clock.advance(30_000);
  const [begun, before] = [clock.now(), asked.length];
  await expect(decoder.decode(value(7), 100)).resolves.toMatchObject({
    reason: 'unknown-schema-id',
  });
  expect(clock.now()).toBe(begun);
  expect(asked).toHaveLength(before + 1);
  expect(decoder.decode(value(7), 100)).toMatchObject({ reason: 'unknown-schema-id' });
});

test.each<[string, Partial<RegisteredSchema>, string]>([
  ['of another type', { type: 'PROTOBUF' }, 'wrong-schema-type'],
  ['that cannot be compiled', { text: 'broken' }, 'unusable-schema'],
])('a schema %s is not read again', async (_, schema, reason) => {
  const { decoder, asked } = setUp(() => Promise.resolve(schema));
  await expect(decoder.decode(value(7), 100)).resolves.toMatchObject({ reason });
  expect(decoder.decode(value(7), 100)).toMatchObject({ reason });
  expect(asked).toEqual([7]);
});

test('a schema whose reference is missing is unusable', async () => {
  const { decoder } = setUp(() => Promise.reject(new UnusableValue('unusable-schema', 'missing')));
  await expect(decoder.decode(value(7), 100)).resolves.toMatchObject({ reason: 'unusable-schema' });
});

test.each<[string, Buffer | null, string]>([
  ['null', null, 'tombstone'],
  ['JSON', Buffer.from('{"a":1}'), 'no-schema-id'],
  ['empty', Buffer.of(), 'no-schema-id'],
  ['too short', Buffer.of(0, 0, 0, 1), 'no-schema-id'],
  ['too large', value(7, '1'.repeat(100)), 'too-large'],
])('a value that is %s is unusable without a schema', (_, bytes, reason) => {
  const { decoder, asked } = setUp(found);
  expect(decoder.decode(bytes, 100)).toMatchObject({ reason });
  expect(asked).toEqual([]);
});

test.each([
  ['is not an object', '[1]', 'not-an-object'],
  ['takes more bytes than characters', JSON.stringify({ a: 'é'.repeat(47) }), 'too-large'],
])('a text that %s is unusable', async (_, text, reason) => {
  const { decoder } = setUp(found);
  // The body is in Latin-1, so that it has fewer bytes than its text.
  const latin1 = new SchemaDecoder(
    new SchemaCache({
      registry: { schema: () => Promise.resolve({ type: 'AVRO', text: '', references: [] }) },
      type: 'AVRO',
      compile: () => ({ toJson: (body) => ({ text: body.toString('latin1') }) }),
    }),
  );
  await decoder.prepare(value(7));
  await expect(latin1.decode(framed(7, Buffer.from(text, 'latin1')), 100)).resolves.toMatchObject({
    reason,
  });
});

test('a value for which a decoder throws any other error does not fit, and the error quotes nothing', async () => {
  const decoder = new SchemaDecoder(
    new SchemaCache({
      registry: { schema: () => Promise.resolve({ type: 'AVRO', text: '', references: [] }) },
      type: 'AVRO',
      compile: () => ({
        toJson() {
          throw new RangeError('Ada Lovelace');
        },
      }),
    }),
  );
  const decoded = await decoder.decode(value(7), 100);
  expect(decoded).toMatchObject({
    reason: 'schema-mismatch',
    error: expect.stringMatching(/RangeError at schema-decoder\.test\.ts:\d+/),
  });
  expect(JSON.stringify(decoded)).not.toContain('Ada');
});

test.each([
  ['Money', 'message Money { string currency_code = 1; string units = 2; }', [0x12, 1, 0x78]],
  ['Timestamp', 'message Timestamp { double seconds = 1; }', [0x09, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f]],
])('a schema with a %s of its own does not stop the partition', async (name, message, field) => {
  const packageName = name === 'Money' ? 'google.type' : 'google.protobuf';
  const text = `syntax = "proto3"; package ${packageName}; ${message} message M { ${name} v = 1; }`;
  const decoder = new SchemaDecoder(
    new SchemaCache({
      registry: { schema: () => Promise.resolve({ type: 'PROTOBUF', text, references: [] }) },
      type: 'PROTOBUF',
      compile: compileProtobufSchema,
    }),
  );
  const bytes = Buffer.from([2, 2, 0x0a, field.length, ...field]);
  expect(await decoder.decode(framed(7, bytes), 100)).toMatchObject({
    reason: 'schema-mismatch',
    error: expect.stringContaining('SyntaxError at protobuf-json.ts'),
  });
});

test('at most 1,000 schemas are kept', async () => {
  const { decoder, asked } = setUp(found);
  for (let id = 0; id <= 1000; id += 1) await decoder.decode(value(id), 100);
  expect(decoder.decode(value(1), 100)).not.toBeInstanceOf(Promise);
  await decoder.decode(value(0), 100);
  expect(asked).toHaveLength(1002);
});
