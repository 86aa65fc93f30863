import { isUtf8 } from 'node:buffer';
import type { IHeaders } from 'kafkajs';
import Decoder from 'kafkajs/src/protocol/decoder.js';
import Encoder from 'kafkajs/src/protocol/encoder.js';
import { rememberOrder, type HeadersByName, type RecordHeader } from '../record-headers.ts';
import { varint } from '../varint.ts';

/**
 * Headers in a form that kafkajs, patched by `carryRecordHeaders`, writes unchanged: one placeholder header,
 * for which kafkajs computes the size that all of them have together.
 */
export function kafkajsHeaders(headers: readonly RecordHeader[]): IHeaders {
  if (headers.length === 0) return {};
  const section = encodeHeaders(headers);
  // A value that is one byte longer can take two bytes more, because its length does, too. Where that makes
  // the size impossible, the name takes one byte.
  const name = sizeOfOne(0, valueSize(section.length)) === section.length ? '' : '-';
  const placeholder = section.subarray(0, valueSize(section.length - name.length));
  sections.set(placeholder, section);
  return { [name]: placeholder };
}

/** By the placeholder's value: what is written in its place, the number of headers and the headers. */
const sections = new WeakMap<Buffer, Buffer>();
/** The same by the encoder to which kafkajs writes the placeholder. */
const encodedSections = new WeakMap<Encoder, Buffer>();

/** The size that kafkajs computes for a single header. */
const sizeOfOne = (nameBytes: number, valueBytes: number): number =>
  1 + varint(nameBytes).length + nameBytes + varint(valueBytes).length + valueBytes;

/** The size of the largest value with which a single header without a name fits into this size. */
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
 * Makes every kafkajs producer and consumer of this process carry all headers that Kafka allows.
 *
 * kafkajs 2.2.4 throws a TypeError for a header whose value is null, and cannot handle names of properties
 * of `Object.prototype`, such as `constructor`: its decoder adds the header to the inherited property, which
 * its encoder then cannot write (kafkajs#1789). It also loses names that are not UTF-8, and takes time that
 * grows with about the square of the number of headers.
 *
 * kafkajs uses `readVarIntArray` and `writeVarIntArray` for headers only.
 */
export function carryRecordHeaders(): void {
  if (isPatched) return;
  isPatched = true;
  Decoder.prototype.readVarIntArray = function () {
    const headers = readHeaders(this);
    // The decoder of records calls nothing else.
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
  rememberOrder(byName, headers);
  return byName;
}
