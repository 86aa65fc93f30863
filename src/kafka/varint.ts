/*
 * Kafka's encoding of numbers in records: zigzag-encoded, then split into groups of seven bits, the lowest
 * group first.
 */

/** Decodes a varint; exact up to 2^53. */
export function decodeVarint(bytes: Buffer): number {
  let value = 0n;
  bytes.forEach((byte, index) => {
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
  });
  return Number((value >> 1n) ^ -(value & 1n));
}

/** Encodes a number as a varint; exact up to 2^52. */
export function varint(number: number): Buffer {
  let value = number < 0 ? -2 * number - 1 : 2 * number;
  const bytes: number[] = [];
  while (value >= 0x80) {
    bytes.push((value & 0x7f) | 0x80);
    value = Math.floor(value / 128);
  }
  return Buffer.from([...bytes, value]);
}
