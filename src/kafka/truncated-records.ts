import { randomUUID } from 'node:crypto';
import type { HeadersByName, RecordHeader } from './record-headers.ts';
import { varint, zigZag } from './varint.ts';

/**
 * Compressed batches are small on the wire and can be a thousand times as large in memory. Records
 * that no workflow could take anyway are therefore cut while a batch is being decompressed: they lose
 * their value, and get a header that says how large it was.
 */

/** Above this a batch is decompressed record by record. */
export const LARGE_BATCH_BYTES = 64 * 1024 * 1024;
/** A record as large as this is always cut, and the largest that a dead letter carries whole. */
export const LARGE_RECORD_BYTES = 32 * 1024 * 1024;
/** A smaller one is never cut: Temporal could take it, or nearly. */
const SMALL_RECORD_BYTES = 2 * 1024 * 1024;

/** No producer can know it. */
const CUT_HEADER = `order-ingest.cut-${randomUUID()}`;

/** Sizes in bytes of the parts of a message that were cut off. */
export type RemovedParts = Readonly<Partial<Record<'key' | 'value' | 'headers', number>>>;

/** What was cut off a message; undefined for one that is whole. */
export function removedParts(headers: HeadersByName | undefined): RemovedParts | undefined {
  const bytes = headers?.[CUT_HEADER];
  return bytes instanceof Uint8Array ? (JSON.parse(bytes.toString()) as RemovedParts) : undefined;
}

/** How many bytes the value of a cut message had; undefined for one that has its value. */
export const removedValueBytes = (headers: HeadersByName | undefined): number | undefined =>
  removedParts(headers)?.value;

/** Whether a header is the one that names what was cut off, which no producer has sent. */
export const isTruncationHeader = ({ name }: RecordHeader): boolean => name === CUT_HEADER;

/**
 * Copies a record section of a batch (Kafka's record format, version 2), cutting what is too large.
 * Holds little more than it answers with.
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
    const length = zigZag(prefix);
    const isKept =
      length <= SMALL_RECORD_BYTES ||
      (length <= LARGE_RECORD_BYTES && total + length <= LARGE_BATCH_BYTES);
    if (isKept) {
      write(prefix, await input.take(length));
    } else {
      const record = await cutRecord(input, length);
      write(varint(record.length), record);
    }
  }
}

/** The record without its value, and without its key or headers where they are too large as well. */
async function cutRecord(input: ByteReader, length: number): Promise<Buffer> {
  const end = input.position + length;
  const attributes = await input.take(1);
  const timestamp = await input.wholeVarint();
  const offset = await input.wholeVarint();
  const keyLength = zigZag(await input.wholeVarint());
  const key = await takeOrSkip(input, keyLength);
  const valueLength = zigZag(await input.wholeVarint());
  await input.skip(Math.max(0, valueLength));
  const headersLength = end - input.position;
  const isWhole = headersLength <= SMALL_RECORD_BYTES;
  const headerCount = isWhole ? zigZag(await input.wholeVarint()) : 0;
  const headers = isWhole ? await input.take(end - input.position) : Buffer.alloc(0);
  await input.skip(end - input.position);
  const parts: RemovedParts = {
    ...(valueLength < 0 ? {} : { value: valueLength }),
    ...(isWhole ? {} : { headers: headersLength }),
    ...(key || keyLength < 0 ? {} : { key: keyLength }),
  };
  const cut = [Buffer.from(CUT_HEADER), Buffer.from(JSON.stringify(parts))].flatMap((text) => [
    varint(text.length),
    text,
  ]);
  return Buffer.concat([
    ...[attributes, timestamp, offset],
    ...(key ? [varint(key.length), key] : [varint(-1)]),
    varint(-1),
    ...[varint(headerCount + 1), headers, ...cut],
  ]);
}

async function takeOrSkip(input: ByteReader, length: number): Promise<Buffer | undefined> {
  if (length < 0) return undefined;
  if (length <= SMALL_RECORD_BYTES) return input.take(length);
  await input.skip(length);
  return undefined;
}

/** Reads bytes from chunks as they come. Throws where the input ends too early. */
class ByteReader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #chunk: Uint8Array = new Uint8Array();
  #at = 0;
  position = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The bytes of a varint, or undefined at the end of the input. */
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
    await this.#pass(length, (part) => parts.push(Buffer.from(part)));
    return Buffer.concat(parts);
  }

  skip(length: number): Promise<void> {
    return this.#pass(length, () => undefined);
  }

  async #pass(length: number, use: (part: Uint8Array) => void): Promise<void> {
    let left = length;
    while (left > 0) {
      if (!(await this.#fill())) throw new Error('a compressed batch ends within a record');
      const part = this.#chunk.subarray(this.#at, this.#at + left);
      use(part);
      this.#at += part.length;
      this.position += part.length;
      left -= part.length;
    }
  }

  /** Whether there is a byte to read. */
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
