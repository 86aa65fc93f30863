import Decoder from 'kafkajs/src/protocol/decoder.js';
import decodeRecord from 'kafkajs/src/protocol/recordBatch/record/v0/decoder.js';
import encodeRecord from 'kafkajs/src/protocol/recordBatch/record/v0/index.js';
import type { IHeaders } from 'kafkajs';
import {
  carryRecordHeaders,
  kafkajsHeaders,
} from '../../../../src/kafka/patches/record-headers.ts';
import {
  recordHeaders,
  type HeadersByName,
  type RecordHeader,
} from '../../../../src/kafka/record-headers.ts';

const OBJECT_PROPERTIES = ['constructor', 'toString', 'hasOwnProperty', '__proto__'];
const bytes = (text: string) => Buffer.from(text);

const encoded = (headers: IHeaders): Buffer =>
  encodeRecord({ key: bytes('k'), value: bytes('v'), headers }).buffer;

/** The headers that a consumer receives of a record with these bytes. */
function decode(record: Buffer) {
  const body = new Decoder(record).readVarIntBytes() ?? Buffer.alloc(0);
  const { value, headers } = decodeRecord(new Decoder(body), {
    firstOffset: '0',
    firstTimestamp: '0',
  });
  expect(value).toEqual(bytes('v'));
  return headers;
}

const headersByName = (headers: readonly RecordHeader[]): HeadersByName =>
  decode(encoded(kafkajsHeaders(headers)));

/** The headers after kafkajs has encoded and decoded them. */
const roundTrip = (headers: readonly RecordHeader[]) => recordHeaders(headersByName(headers));

// Once this fails, the patch is not needed any more.
test('kafkajs by itself cannot write null or read names of object properties', () => {
  const withNull: unknown = { name: null };
  expect(() => encoded(withNull as IHeaders)).toThrow('Received null');
  for (const name of OBJECT_PROPERTIES) {
    const record = encoded(Object.fromEntries([[name, bytes('mine')]]));
    expect(Object.entries(decode(record))).not.toEqual([[name, bytes('mine')]]);
  }
});

describe('with the patch', () => {
  beforeAll(() => {
    carryRecordHeaders();
  });

  test.each<[string, readonly RecordHeader[]]>([
    ['none', []],
    ['a value', [{ name: 'a', value: bytes('1') }]],
    ['null', [{ name: 'a', value: null }]],
    ['an empty value', [{ name: 'a', value: bytes('') }]],
    ['an empty name', [{ name: '', value: bytes('1') }]],
    ['an empty name and null', [{ name: '', value: null }]],
    [
      'a name again after another, in the order of the record',
      [
        { name: 'a', value: bytes('1') },
        { name: 'b', value: null },
        { name: 'a', value: null },
        { name: 'a', value: bytes('') },
        { name: '7', value: bytes('7') },
      ],
    ],
    ['names of object properties', OBJECT_PROPERTIES.map((name) => ({ name, value: bytes(name) }))],
    [
      'names that are not UTF-8, and one that has a replacement character',
      [
        { name: Buffer.from([0xff]), value: bytes('1') },
        { name: Buffer.from([0xfe]), value: null },
        { name: '\uFFFD', value: bytes('3') },
      ],
    ],
    ['bytes that are not UTF-8', [{ name: 'é', value: Buffer.from([0, 255, 254]) }]],
    ['a large value', [{ name: 'a', value: Buffer.alloc(100_000, 1) }]],
  ])('%s: written and read unchanged', (_name, headers) => {
    expect(roundTrip(headers)).toEqual(headers);
  });

  test('headers by name have each value under its name only', () => {
    const headers = headersByName([
      { name: 'constructor', value: bytes('1') },
      { name: '__proto__', value: bytes('2') },
      { name: 'twice', value: null },
      { name: 'twice', value: bytes('3') },
    ]);
    expect(Object.entries(headers)).toEqual([
      ['constructor', bytes('1')],
      ['__proto__', bytes('2')],
      ['twice', [null, bytes('3')]],
    ]);
    expect('toString' in headers).toBe(false);
  });

  test('a plain object of headers is written as without the patch', () => {
    const headers = { a: 'text', b: [bytes('1'), '2'] };
    expect(recordHeaders(decode(encoded(headers)))).toEqual([
      { name: 'a', value: bytes('text') },
      { name: 'b', value: bytes('1') },
      { name: 'b', value: bytes('2') },
    ]);
  });

  test.each([60, 61, 62, 63, 64, 65, 66, 8185, 8186, 8187, 8188, 8189, 8190, 8191, 8192])(
    'a value of %s bytes, near which the length of a length changes, leaves the record intact',
    (size) => {
      const headers = [{ name: 'a', value: Buffer.alloc(size, 1) }];
      expect(roundTrip(headers)).toEqual(headers);
    },
  );

  test('as many headers as fit into a megabyte are written and read in linear time', () => {
    const headers = Array.from({ length: 250_000 }, (_, n) => ({
      name: n % 2 === 0 ? 'a' : n.toString(36),
      value: null,
    }));
    expect(roundTrip(headers)).toHaveLength(headers.length);
  });
});

test('an object that was not decoded from a record is listed by its names', () => {
  expect(recordHeaders({ a: '1', b: [bytes('2'), null], c: undefined, d: null })).toEqual([
    { name: 'a', value: '1' },
    { name: 'b', value: bytes('2') },
    { name: 'b', value: null },
    { name: 'c', value: null },
    { name: 'd', value: null },
  ]);
  expect(recordHeaders(undefined)).toEqual([]);
});
