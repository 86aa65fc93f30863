import { createGunzip, gunzip, gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { Decompress as ZstdStream } from 'fzstd';
import kafkajs from 'kafkajs';
import SnappyCodec from 'kafkajs-snappy';
import { compressFrame, decompressFrame } from 'lz4-napi';
import { truncateOversizedRecords, LARGE_BATCH_BYTES } from './truncated-records.ts';

const { CompressionCodecs, CompressionTypes } = kafkajs;

/**
 * Registers the compression codecs that kafkajs lacks. With gzip alone, the first batch in another codec
 * would stop the consumer permanently. All of them bound the memory that a batch takes however far it
 * expands; see `truncated-records.ts`.
 */
export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.GZIP] = () => ({
    compress: (encoder: { buffer: Buffer }) => promisify(gzip)(encoder.buffer),
    decompress: decompressGzip,
  });
  // Expands to at most 21 times its compressed size.
  CompressionCodecs[CompressionTypes.Snappy] = SnappyCodec;
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: (encoder: { buffer: Buffer }) => compressFrame(encoder.buffer),
    // Expands to at most 255 times its compressed size.
    decompress: async (buffer: Buffer) => truncateIfLarge(await decompressFrame(buffer)),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    // order-ingest itself never writes zstd.
    compress: () => Promise.reject(new Error('Compressing with zstd is not supported')),
    decompress: decompressZstd,
  });
}

async function decompressGzip(buffer: Buffer): Promise<Buffer> {
  try {
    return await promisify(gunzip)(buffer, { maxOutputLength: LARGE_BATCH_BYTES });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_BUFFER_TOO_LARGE') throw error;
    const stream = createGunzip();
    stream.end(buffer);
    return truncateOversizedRecords(stream as AsyncIterable<Buffer>);
  }
}

async function decompressZstd(buffer: Buffer): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (const part of zstdParts(buffer)) {
    size += part.length;
    if (size > LARGE_BATCH_BYTES)
      return truncateOversizedRecords(asynchronously(zstdParts(buffer)));
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** A block of 4 bytes can expand to 128 kB, so only a few are decompressed at a time. */
const ZSTD_STEP_BYTES = 64;

function* zstdParts(buffer: Buffer): Generator<Uint8Array> {
  let parts: Uint8Array[] = [];
  const stream = new ZstdStream((part) => parts.push(part));
  for (let at = 0; at < buffer.length; at += ZSTD_STEP_BYTES) {
    const end = at + ZSTD_STEP_BYTES;
    stream.push(buffer.subarray(at, end), end >= buffer.length);
    yield* parts;
    parts = [];
  }
}

const truncateIfLarge = (buffer: Buffer): Buffer | Promise<Buffer> =>
  buffer.length > LARGE_BATCH_BYTES ? truncateOversizedRecords(asynchronously([buffer])) : buffer;

async function* asynchronously<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
  for (const item of items) {
    // Lets heartbeats be sent in between.
    await new Promise(setImmediate);
    yield item;
  }
}
