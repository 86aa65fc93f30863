import { createGunzip, gunzip, gzip } from 'node:zlib';
import { promisify } from 'node:util';
import { Decompress as ZstdStream } from 'fzstd';
import kafkajs from 'kafkajs';
import SnappyCodec from 'kafkajs-snappy';
import { compressFrame, decompressFrame } from 'lz4-napi';
import { cutRecords, LARGE_BATCH_BYTES } from './cut-records.ts';

const { CompressionCodecs, CompressionTypes } = kafkajs;

/**
 * Teaches kafkajs the codecs that it lacks: with gzip alone, the first batch of a producer that
 * uses another would end the consumer for good. All of them hold out against batches that are far
 * larger than they look; see `cut-records.ts`.
 */
export function registerCodecs(): void {
  CompressionCodecs[CompressionTypes.GZIP] = () => ({
    compress: (encoder: { buffer: Buffer }) => promisify(gzip)(encoder.buffer),
    decompress: decompressGzip,
  });
  // At most 21 times as large as compressed.
  CompressionCodecs[CompressionTypes.Snappy] = SnappyCodec;
  CompressionCodecs[CompressionTypes.LZ4] = () => ({
    compress: (encoder: { buffer: Buffer }) => compressFrame(encoder.buffer),
    // At most 255 times as large.
    decompress: async (buffer: Buffer) => cutIfLarge(await decompressFrame(buffer)),
  });
  CompressionCodecs[CompressionTypes.ZSTD] = () => ({
    // Only ever read here: nothing of ours writes zstd.
    compress: () => Promise.reject(new Error('zstd can be read, but not written')),
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
    return cutRecords(stream as AsyncIterable<Buffer>);
  }
}

async function decompressZstd(buffer: Buffer): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for (const part of zstdParts(buffer)) {
    size += part.length;
    if (size > LARGE_BATCH_BYTES) return cutRecords(asynchronously(zstdParts(buffer)));
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** So few bytes at a time that what they decompress to, 128 kB for each block of 4, is not much. */
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
  buffer.length > LARGE_BATCH_BYTES ? cutRecords(asynchronously([buffer])) : buffer;

async function* asynchronously<Item>(items: Iterable<Item>): AsyncGenerator<Item> {
  for (const item of items) {
    // Lets heartbeats go out in between.
    await new Promise(setImmediate);
    yield item;
  }
}
