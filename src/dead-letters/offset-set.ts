const CHUNK_BITS = 1024;

/**
 * Offsets of one partition, a bit each: a million neighbours take 125 kB, and single ones far apart
 * 128 bytes each.
 */
export class OffsetSet {
  readonly #chunks = new Map<number, Uint8Array>();

  add(offset: bigint): void {
    const [chunk, byte, bit] = place(offset);
    let bytes = this.#chunks.get(chunk);
    if (!bytes) {
      bytes = new Uint8Array(CHUNK_BITS / 8);
      this.#chunks.set(chunk, bytes);
    }
    bytes[byte] = (bytes[byte] ?? 0) | bit;
  }

  has(offset: bigint): boolean {
    const [chunk, byte, bit] = place(offset);
    return ((this.#chunks.get(chunk)?.[byte] ?? 0) & bit) !== 0;
  }
}

/** Offsets stay below 2^53 for as long as Kafka is used on this planet. */
function place(offset: bigint): [chunk: number, byte: number, bit: number] {
  const number = Number(offset);
  const within = number % CHUNK_BITS;
  return [(number - within) / CHUNK_BITS, within >> 3, 1 << (within & 7)];
}
