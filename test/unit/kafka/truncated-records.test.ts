import { gzipSync } from 'node:zlib';
import kafkajs from 'kafkajs';
import { registerCodecs } from '../../../src/kafka/codecs.ts';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import decodeRecord from 'kafkajs/src/protocol/recordBatch/record/v0/decoder.js';
import {
  removedParts,
  truncateOversizedRecords,
  isTruncationHeader,
  LARGE_BATCH_BYTES,
  LARGE_RECORD_BYTES,
} from '../../../src/kafka/truncated-records.ts';
import { carryRecordHeaders } from '../../../src/kafka/patches/record-headers.ts';
import { recordHeaders } from '../../../src/kafka/record-headers.ts';

const MIB = 1024 * 1024;

function varint(number: number): Buffer {
  let value = number < 0 ? -2 * number - 1 : 2 * number;
  const bytes: number[] = [];
  while (value >= 0x80) {
    bytes.push((value % 128) + 128);
    value = Math.floor(value / 128);
  }
  return Buffer.from([...bytes, value]);
}

const sized = (bytes: Buffer | null) =>
  bytes === null ? varint(-1) : Buffer.concat([varint(bytes.length), bytes]);

/** A record of Kafka's format, version 2, with one header. */
function record(offset: number, key: Buffer | null, value: Buffer | null): Buffer {
  const body = Buffer.concat([
    ...[Buffer.from([0]), varint(7), varint(offset), sized(key), sized(value)],
    ...[varint(1), sized(Buffer.from('mine')), sized(Buffer.from([1, 2]))],
  ]);
  return Buffer.concat([varint(body.length), body]);
}

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) {
    await Promise.resolve();
    yield bytes.subarray(at, at + size);
  }
}

test.each([1, 7, 4096])(
  'small records are copied unchanged from chunks of %s bytes',
  async (size) => {
    const records = Buffer.concat([
      record(0, Buffer.from('k'), Buffer.from('{"order_id": "1"}')),
      record(1, null, null),
      record(2, Buffer.alloc(0), Buffer.alloc(300, 1)),
    ]);
    expect((await truncateOversizedRecords(inChunks(records, size))).equals(records)).toBe(true);
  },
);

test('only the value of an oversized record is removed, and other records are copied unchanged', async () => {
  const before = record(0, null, Buffer.from('before'));
  const large = record(1, Buffer.from('key'), Buffer.alloc(LARGE_RECORD_BYTES + 1));
  const after = record(2, null, Buffer.from('after'));
  const cut = await truncateOversizedRecords(
    inChunks(Buffer.concat([before, large, after]), 65_536),
  );
  expect(cut.subarray(0, before.length).equals(before)).toBe(true);
  expect(cut.subarray(-after.length).equals(after)).toBe(true);
  const middle = cut.subarray(before.length, -after.length);
  expect(middle.length).toBeLessThan(200);
  expect(middle.includes('key')).toBe(true);
  expect(middle.includes('mine')).toBe(true);
  expect(middle.includes(String(LARGE_RECORD_BYTES + 1))).toBe(true);
});

test('the removed parts are recorded with their sizes: value, headers and key', async () => {
  const huge = Buffer.alloc(3 * MIB, 0x61);
  const name = Buffer.from('mine');
  const body = (key: Buffer, value: Buffer | null, header: Buffer) => {
    const bytes = Buffer.concat([
      ...[Buffer.from([0]), varint(7), varint(0), sized(key), sized(value)],
      ...[varint(1), sized(name), sized(header)],
    ]);
    return Buffer.concat([varint(bytes.length), bytes]);
  };
  const partsOf = async (record: Buffer) => {
    const cut = await truncateOversizedRecords(inChunks(record, 65_536));
    carryRecordHeaders();
    const { headers } = decodeRecord(
      new Decoder(new Decoder(cut).readVarIntBytes() ?? Buffer.alloc(0)),
      { firstOffset: '0', firstTimestamp: '0' },
    );
    return {
      parts: removedParts(headers),
      own: recordHeaders(headers).filter((h) => !isTruncationHeader(h)),
    };
  };
  const value = Buffer.alloc(LARGE_RECORD_BYTES);
  expect(await partsOf(body(Buffer.from('k'), value, Buffer.from('1')))).toEqual({
    parts: { value: value.length },
    own: [{ name: 'mine', value: Buffer.from('1') }],
  });
  const { parts, own } = await partsOf(body(huge, value, huge));
  expect(own).toEqual([]);
  expect(parts).toEqual({ value: value.length, key: huge.length, headers: expect.any(Number) });
  expect(
    (await partsOf(body(Buffer.from('k'), null, Buffer.alloc(LARGE_RECORD_BYTES)))).parts,
  ).toEqual({ headers: expect.any(Number) });
});

test('the result is bounded however many large records the batch has', async () => {
  const records = Buffer.concat(
    Array.from({ length: 12 }, (_, n) => record(n, null, Buffer.alloc(10 * MIB))),
  );
  expect((await truncateOversizedRecords(inChunks(records, MIB))).length).toBeLessThan(
    LARGE_BATCH_BYTES,
  );
});

describe('a batch of a few kilobytes that expands to hundreds of megabytes is truncated', () => {
  const SIZE = 300 * MIB;
  const { CompressionCodecs, CompressionTypes } = kafkajs;
  interface Codec {
    decompress(bytes: Buffer): Promise<Buffer>;
  }
  beforeAll(registerCodecs);

  test('compressed by gzip', async () => {
    const bomb = gzipSync(record(0, null, Buffer.alloc(SIZE)));
    const records = await (CompressionCodecs[CompressionTypes.GZIP]() as Codec).decompress(bomb);
    expect(records.length).toBeLessThan(1000);
  });

  test('compressed by zstd', async () => {
    const records = await (CompressionCodecs[CompressionTypes.ZSTD]() as Codec).decompress(
      zstdBomb(SIZE),
    );
    expect(records.length).toBeLessThan(1000);
  });
});

/** One record of zeros as a zstd frame (RFC 8878): a raw block, then run-length blocks of 128 kB. */
function zstdBomb(valueBytes: number): Buffer {
  const whole = record(0, null, Buffer.alloc(0));
  const head = whole.subarray(1, whole.length - 1 - 9);
  const tail = Buffer.concat([varint(1), sized(Buffer.from('mine')), sized(Buffer.from([1, 2]))]);
  const value = Buffer.concat([varint(valueBytes)]);
  const bodyLength = head.length + value.length + valueBytes + tail.length;
  const start = Buffer.concat([varint(bodyLength), head, value]);
  const RUN = 128 * 1024;
  const runs = valueBytes / RUN;
  const block = (last: number, type: number, size: number) => {
    const header = (size << 3) | (type << 1) | last;
    return Buffer.from([header & 255, (header >> 8) & 255, (header >> 16) & 255]);
  };
  return Buffer.concat([
    // Magic number, a frame without checksum and content size, a window of 128 kB.
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0x38]),
    ...[block(0, 0, start.length), start],
    ...Array.from({ length: runs }, () => Buffer.concat([block(0, 1, RUN), Buffer.from([0])])),
    ...[block(1, 0, tail.length), tail],
  ]);
}
