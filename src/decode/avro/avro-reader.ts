import { isUtf8 } from 'node:buffer';
import { mismatch } from '../unusable-value.ts';

/** A varint of more bytes has more than 64 bits. */
const MAX_VARINT_BYTES = 10;

/** Reads the primitive types of Avro's binary encoding one after the other. */
export class AvroReader {
  readonly #bytes: Buffer;
  #position = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  byte(): number {
    const byte = this.#bytes[this.#position];
    if (byte === undefined) throw endsTooEarly();
    this.#position += 1;
    return byte;
  }

  /** A variable-length zig-zag integer of up to 64 bits, the encoding of int and long. */
  long(): bigint {
    let value = 0n;
    for (let index = 0; index < MAX_VARINT_BYTES; index += 1) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) {
        const bits = BigInt.asUintN(64, value);
        if (bits !== value) break;
        return (bits >> 1n) ^ -(bits & 1n);
      }
    }
    throw mismatch('an integer has more than 64 bits');
  }

  int(): bigint {
    const value = this.long();
    if (BigInt.asIntN(32, value) !== value) throw mismatch('an int has more than 32 bits');
    return value;
  }

  float(): number {
    return this.take(4).readFloatLE();
  }

  double(): number {
    return this.take(8).readDoubleLE();
  }

  /** The bytes are not copied. */
  bytes(): Buffer {
    const length = this.long();
    if (length < 0n) throw mismatch('a length is negative');
    if (length > BigInt(this.remaining)) throw endsTooEarly();
    return this.take(Number(length));
  }

  string(): string {
    const bytes = this.bytes();
    if (!isUtf8(bytes)) throw mismatch('a string is not valid UTF-8');
    return bytes.toString('utf8');
  }

  take(length: number): Buffer {
    if (length > this.remaining) throw endsTooEarly();
    const start = this.#position;
    this.#position += length;
    return this.#bytes.subarray(start, this.#position);
  }
}

const endsTooEarly = () => mismatch('it ends too early');
