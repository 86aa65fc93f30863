import { isUtf8 } from 'node:buffer';
import type { IHeaders } from 'kafkajs';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import { varint } from '../varint.ts';

/** One header of a record. Kafka allows any number of them, in any order, under the same name too. */
export interface RecordHeader {
  /** Bytes where they are not valid UTF-8, which other clients can write. */
  readonly name: string | Buffer;
  readonly value: string | Buffer | null;
}

type HeaderValue = Buffer | string | null;

/** Headers by name, as kafkajs gives them to consumers: a list where a name occurs more than once. */
export type HeadersByName = Readonly<Record<string, HeaderValue | HeaderValue[] | undefined>>;

/** What each object of headers was decoded from. */
const decoded = new WeakMap<HeadersByName, readonly RecordHeader[]>();

/** The headers of a message in their order, as the broker has them. */
export function recordHeaders(headers: HeadersByName = {}): readonly RecordHeader[] {
  return (
    decoded.get(headers) ??
    Object.entries(headers).flatMap(([name, value]) =>
      (Array.isArray(value) ? value : [value ?? null]).map((one) => ({ name, value: one })),
    )
  );
}

/**
 * Headers in the form in which kafkajs, patched by `carryRecordHeaders`, writes them as they are: one
 * header in place of them all, for which kafkajs computes the size that they have together.
 */
export function kafkajsHeaders(headers: readonly RecordHeader[]): IHeaders {
  if (headers.length === 0) return {};
  const section = encodeHeaders(headers);
  // Where no value makes the size right, since a longer one has a longer length, a longer name does.
  const name = sizeOfOne(0, valueSize(section.length)) === section.length ? '' : '-';
  const placeholder = section.subarray(0, valueSize(section.length - name.length));
  sections.set(placeholder, section);
  return { [name]: placeholder };
}

/** What is to be written in place of a header with this value: the number of headers, and the headers. */
const sections = new WeakMap<Buffer, Buffer>();
/** The same, by what kafkajs encodes that header to. */
const encodedSections = new WeakMap<Encoder, Buffer>();

/** What kafkajs computes for a single header. */
const sizeOfOne = (nameBytes: number, valueBytes: number): number =>
  1 + varint(nameBytes).length + nameBytes + varint(valueBytes).length + valueBytes;

/** The largest value of a single header without a name that takes no more than this. */
function valueSize(size: number): number {
  let bytes = size - 3;
  while (sizeOfOne(0, bytes) > size) bytes -= 1;
  return bytes;
}

function encodeHeaders(headers: readonly RecordHeader[]): Buffer {
  const encoder = new Encoder();
  encoder.writeVarInt(headers.length);
  for (const { name, value } of headers) encoder.writeVarIntBytes(name).writeVarIntBytes(value);
  return encoder.buffer;
}

let isPatched = false;

/**
 * Makes every kafkajs producer and consumer of this process carry any header that Kafka allows.
 * kafkajs 2.2.4 throws a TypeError for a header whose value is null (kafkajs#1789). Its decoder takes a
 * header named like a property of `Object.prototype`, such as `constructor`, for the second of that
 * name, beside the property itself, which its encoder cannot write either. Both take time that grows
 * with the square of the number of headers, or nearly, and names that are not UTF-8 are lost.
 *
 * kafkajs reads and writes nothing but headers by `readVarIntArray` and `writeVarIntArray`.
 */
export function carryRecordHeaders(): void {
  if (isPatched) return;
  isPatched = true;
  Decoder.prototype.readVarIntArray = function () {
    const headers = readHeaders(this);
    // The decoder of records asks for nothing but this.
    return { reduce: () => headers };
  };
  const { writeVarIntBytes, writeVarIntArray } = Encoder.prototype;
  Encoder.prototype.writeVarIntBytes = function (value) {
    const section = Buffer.isBuffer(value) ? sections.get(value) : undefined;
    if (section) encodedSections.set(this, section);
    return writeVarIntBytes.call(this, value);
  };
  Encoder.prototype.writeVarIntArray = function (encoders) {
    const [first] = encoders;
    const section = first && encodedSections.get(first);
    if (!section) return writeVarIntArray.call(this, encoders);
    this.writeBufferInternal(section);
    return this;
  };
}

function readHeaders(decoder: Decoder): HeadersByName {
  const byName = Object.create(null) as Record<string, Buffer | null | (Buffer | null)[]>;
  const count = decoder.readVarInt();
  if (count <= 0) return byName;
  const headers: RecordHeader[] = [];
  for (let index = 0; index < count; index += 1) {
    const bytes = decoder.readVarIntBytes() ?? Buffer.alloc(0);
    const value = decoder.readVarIntBytes();
    const text = bytes.toString('utf8');
    headers.push({ name: text.includes('\uFFFD') && !isUtf8(bytes) ? bytes : text, value });
    const before = byName[text];
    if (before === undefined) byName[text] = value;
    else if (Array.isArray(before)) before.push(value);
    else byName[text] = [before, value];
  }
  decoded.set(byName, headers);
  return byName;
}
