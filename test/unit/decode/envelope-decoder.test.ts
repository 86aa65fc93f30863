import { EnvelopeDecoder } from '../../../src/decode/envelope-decoder.ts';
import { decodeJson } from '../../../src/decode/json-decoder.ts';

const decode = (pointer: string, text: string | null) =>
  new EnvelopeDecoder({ decode: decodeJson }, pointer).decode(
    text === null ? null : Buffer.from(text),
    1000,
  );

const textOf = (pointer: string, text: string) => {
  const decoded = decode(pointer, text);
  if (decoded instanceof Promise) throw new Error('JSON is decoded at once');
  return decoded.kind === 'decoded' ? decoded.text : decoded.reason;
};

test.each([
  ['CloudEvents', '/data', '{"id":"1","data":{"a":1}}', '{"a":1}'],
  ['Debezium', '/payload/after', '{"payload":{"before":null,"after":{"a":1}}}', '{"a":1}'],
  [
    'every digit',
    '/d',
    '{"d": {"b": 1.50, "a": 12345678901234567.890, "c": 1E+2}}',
    '{"b": 1.50, "a": 12345678901234567.890, "c": 1E+2}',
  ],
  ['the order of keys that look like numbers', '/d', '{"d":{"2":0,"1":0}}', '{"2":0,"1":0}'],
  [
    'brackets and quotes in strings',
    '/d',
    '{"x":"}{\\"]\\\\","d":{"a":"}\\"{"},"y":"["}',
    '{"a":"}\\"{"}',
  ],
  ['an element of an array', '/list/1', '{"list":[[1,{"x":[]}],{"a":1}]}', '{"a":1}'],
  ['a key with a slash and a tilde', '/a~1b/c~0d', '{"a/b":{"c~d":{}}}', '{}'],
  ['a key that is written with escapes', '/é', '{"\\u00e9":{}}', '{}'],
  ['an empty key', '/', '{"":{}}', '{}'],
  ['the last of equal keys', '/d', '{"d":{"a":1},"d":{"a":2}}', '{"a":2}'],
  [
    'white space',
    '/d',
    ' {\n "x" : [ 1 , -2.5e3 , true ] ,\t"d" : { "a" : 1 } }\r\n',
    '{ "a" : 1 }',
  ],
  ['a string that holds JSON', '/payload', '{"payload":"{\\"a\\":1.50}"}', '{"a":1.50}'],
])('the order is taken out with %s', (_, pointer, text, order) => {
  expect(textOf(pointer, text)).toBe(order);
});

test('the parsed order is that of the text', () => {
  expect(decode('/d', '{"d":{"a":1}}')).toEqual({
    kind: 'decoded',
    text: '{"a":1}',
    json: { a: 1 },
  });
});

test.each([
  ['leads nowhere', '/data', '{}', 'no-payload'],
  ['leads into a string', '/data/x', '{"data":"{}"}', 'no-payload'],
  ['leads past an array', '/list/1', '{"list":[{}]}', 'no-payload'],
  ['is not an index of an array', '/list/00', '{"list":[{}]}', 'no-payload'],
  ['names a property that every object has', '/constructor', '{}', 'no-payload'],
  ['leads to null', '/payload/after', '{"payload":{"after":null}}', 'empty-payload'],
  ['leads through null', '/payload/after', '{"payload":null}', 'no-payload'],
  ['leads to a number', '/data', '{"data":1.50}', 'not-an-object'],
  ['leads to an array', '/data', '{"data":[]}', 'not-an-object'],
  ['leads to a string that is not JSON', '/data', '{"data":"{"}', 'not-json'],
  ['leads to a string with another value', '/data', '{"data":"1"}', 'not-an-object'],
])('a pointer that %s makes the message unusable', (_, pointer, text, reason) => {
  expect(textOf(pointer, text)).toBe(reason);
});

test('a tombstone stays one', () => {
  expect(decode('/data', null)).toMatchObject({ reason: 'tombstone' });
});

test('an envelope that needs a schema is decoded when it is there', async () => {
  const envelope = {
    decode: (value: Uint8Array | null, maxBytes: number) =>
      Promise.resolve(decodeJson(value, maxBytes)),
  };
  const decoded = new EnvelopeDecoder(envelope, '/data').decode(Buffer.from('{"data":{}}'), 1000);
  await expect(decoded).resolves.toMatchObject({ text: '{}' });
});
