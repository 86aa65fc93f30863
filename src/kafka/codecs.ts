import { createGunzip, gunzip, gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { Decompress as ZstdStream } from 'fzstd';
import kafkajs from 'kafkajs';
import SnappyCodec from 'kafkajs-snappy';
import { compressFrame, decompressFrame } from 'lz4-napi';
import { truncateOversizedRecords, LARGE_BATCH_BYTES } from './truncated-records.ts';

const { CompressionCodecs, CompressionTypes } = kafkajs;

/**
 * Registers the codecs that kafkajs lacks. It has gzip only, and the first batch with another codec would end
 * the consumer for good. All of them limit the memory for batches that decompress to a multiple of their
 * size; see `cut-records.ts`.
 */
export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.GZIP] = () => ({
    compress: (encoder: { buffer: Buffer }) => promisify(gzip)(encoder.buffer),
    decompress: decompressGzip,
  });
  // Decompresses to at most 21 times the size.
  CompressionCodecs[CompressionTypes.Snappy] = SnappyCodec;
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: (encoder: { buffer: Buffer }) => compressFrame(encoder.buffer),
    // Decompresses to at most 255 times the size.
    decompress: async (buffer: Buffer) => cutIfLarge(await decompressFrame(buffer)),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    // No program of this project writes zstd.
    compress: () => Promise.reject(new Error('compressing with zstd is not supported')),
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

/** Small, because every block of four bytes can decompress to 128 kB. */
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

const cutIfLarge = (buffer: Buffer): Buffer | Promise<Buffer> =>
  buffer.length > LARGE_BATCH_BYTES ? truncateOversizedRecords(asynchronously([buffer])) : buffer;

async function* asynchronously<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
  for (const item of items) {
    // Lets heartbeats be sent in between.
    await new Promise(setImmediate);
    yield item;
  }
}
