import { randomUUID } from 'node:crypto';
import type { HeadersByName, RecordHeader } from './record-headers.ts';
import { varint, decodeVarint } from './varint.ts';

/*
 * A compressed batch can be a thousand times larger in memory than on the wire. Records that are too large
 * for a workflow anyway are therefore truncated while their batch is decompressed: their value is removed,
 * and a header that records its size is added.
 */

/** Batches that expand to more than this are decompressed record by record. */
export const LARGE_BATCH_BYTES = 64 * 1024 * 1024;
/** Records larger than this are always truncated. Also the largest record that a dead letter carries whole. */
export const LARGE_RECORD_BYTES = 32 * 1024 * 1024;
/** Records up to this size are never truncated: Temporal's limit is of about this size. */
const SMALL_RECORD_BYTES = 2 * 1024 * 1024;

/** Random, so that no producer can send it. */
const TRUNCATION_HEADER = `order-ingest.truncated-${randomUUID()}`;

/** The parts that were removed from a message, with their sizes in bytes. */
export type RemovedParts = Readonly<Partial<Record<'key' | 'value' | 'headers', number>>>;

/** The parts that were removed from a message; undefined for one that was not truncated. */
export function removedParts(headers: HeadersByName | undefined): RemovedParts | undefined {
  const bytes = headers?.[TRUNCATION_HEADER];
  return bytes instanceof Uint8Array ? (JSON.parse(bytes.toString()) as RemovedParts) : undefined;
}

/** The size in bytes of the value that was removed; undefined for a message that has its value. */
export const removedValueBytes = (headers: HeadersByName | undefined): number | undefined =>
  removedParts(headers)?.value;

/** Whether a header is the one that truncation adds, as opposed to one that the producer sent. */
export const isTruncationHeader = ({ name }: RecordHeader): boolean => name === TRUNCATION_HEADER;

/**
 * Copies the records of a batch (Kafka's record format, version 2) and truncates those that are too large.
 * Takes little more memory than its result.
 */
export async function truncateOversizedRecords(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const input = new ByteReader(chunks);
  const output: Buffer[] = [];
  let total = 0;
  const write = (...parts: Buffer[]) => {
    for (const part of parts) {
      output.push(part);
      total += part.length;
    }
  };
  for (;;) {
    const prefix = await input.varint();
    if (!prefix) return Buffer.concat(output);
    const length = decodeVarint(prefix);
    const isKept =
      length <= SMALL_RECORD_BYTES ||
      (length <= LARGE_RECORD_BYTES && total + length <= LARGE_BATCH_BYTES);
    if (isKept) {
      write(prefix, await input.take(length));
    } else {
      const record = await truncateRecord(input, length);
      write(varint(record.length), record);
    }
  }
}

/** The record without its value, and without its key or its headers where they are too large as well. */
async function truncateRecord(input: ByteReader, length: number): Promise<Buffer> {
  const end = input.position + length;
  const attributes = await input.take(1);
  const timestamp = await input.wholeVarint();
  const offset = await input.wholeVarint();
  const keyLength = decodeVarint(await input.wholeVarint());
  const key = await takeOrSkip(input, keyLength);
  const valueLength = decodeVarint(await input.wholeVarint());
  await input.skip(Math.max(0, valueLength));
  const headersLength = end - input.position;
  const isWhole = headersLength <= SMALL_RECORD_BYTES;
  const headerCount = isWhole ? decodeVarint(await input.wholeVarint()) : 0;
  const headers = isWhole ? await input.take(end - input.position) : Buffer.alloc(0);
  await input.skip(end - input.position);
  const parts: RemovedParts = {
    ...(valueLength < 0 ? {} : { value: valueLength }),
    ...(isWhole ? {} : { headers: headersLength }),
    ...(key || keyLength < 0 ? {} : { key: keyLength }),
  };
  const header = [Buffer.from(TRUNCATION_HEADER), Buffer.from(JSON.stringify(parts))].flatMap(
    (text) => [varint(text.length), text],
  );
  return Buffer.concat([
    ...[attributes, timestamp, offset],
    ...(key ? [varint(key.length), key] : [varint(-1)]),
    varint(-1),
    ...[varint(headerCount + 1), headers, ...header],
  ]);
}

async function takeOrSkip(input: ByteReader, length: number): Promise<Buffer | undefined> {
  if (length < 0) return undefined;
  if (length <= SMALL_RECORD_BYTES) return input.take(length);
  await input.skip(length);
  return undefined;
}

/** Reads bytes across chunks. Throws when the input ends in the middle of a record. */
class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();
  #at = 0;
  position = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The bytes of a varint; undefined at the end of the input. */
  async varint(): Promise<Buffer | undefined> {
    if (!(await this.#fill())) return undefined;
    return this.wholeVarint();
  }

  async wholeVarint(): Promise<Buffer> {
    const bytes: number[] = [];
    for (;;) {
      const [byte = 0] = await this.take(1);
      bytes.push(byte);
      if (byte < 0x80) return Buffer.from(bytes);
    }
  }

  async take(length: number): Promise<Buffer> {
    const parts: Uint8Array[] = [];
    await this.#consume(length, (part) => parts.push(Buffer.from(part)));
    return Buffer.concat(parts);
  }

  skip(length: number): Promise<void> {
    return this.#consume(length, () => undefined);
  }

  async #consume(length: number, use: (part: Uint8Array) => void): Promise<void> {
    let left = length;
    while (left > 0) {
      if (!(await this.#fill()))
        throw new Error('A compressed batch ends in the middle of a record');
      const part = this.#chunk.subarray(this.#at, this.#at + left);
      use(part);
      this.#at += part.length;
      this.position += part.length;
      left -= part.length;
    }
  }

  /** Fetches the next chunk if the current one is used up; false at the end of the input. */
  async #fill(): Promise<boolean> {
    while (this.#at >= this.#chunk.length) {
      const next = await this.#chunks.next();
      if (next.done) return false;
      this.#chunk = next.value;
      this.#at = 0;
    }
    return true;
  }
}
