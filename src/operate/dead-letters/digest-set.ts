const WORD_BYTES = 4;
const WORDS = 4;
/** How many bytes of a digest are kept. At this length a collision is not a practical concern. */
export const DIGEST_BYTES = WORDS * WORD_BYTES;
const INITIAL_CAPACITY = 1024;
/** The table doubles when more than this share of its slots is taken. */
const MAX_LOAD = 0.75;

/**
 * A set of cryptographic digests such as SHA-256, of which it keeps the first 16 bytes. It takes 21 to
 * 43 bytes per digest, and half as much again while it grows: at most 64 MB for a million digests.
 */
export class DigestSet {
  /** Open addressing with linear probing. A free slot is all zeros. */
  #slots = new Uint32Array(INITIAL_CAPACITY * WORDS);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(digest: Buffer): void {
    if (this.#size >= (this.#slots.length / WORDS) * MAX_LOAD) this.#grow();
    const words = wordsOf(digest);
    const slot = find(this.#slots, words);
    if (!isFree(this.#slots, slot)) return;
    this.#slots.set(words, slot);
    this.#size += 1;
  }

  has(digest: Buffer): boolean {
    return !isFree(this.#slots, find(this.#slots, wordsOf(digest)));
  }

  #grow(): void {
    const grown = new Uint32Array(this.#slots.length * 2);
    for (let slot = 0; slot < this.#slots.length; slot += WORDS) {
      if (isFree(this.#slots, slot)) continue;
      const words = this.#slots.subarray(slot, slot + WORDS);
      grown.set(words, find(grown, words));
    }
    this.#slots = grown;
  }
}

function wordsOf(digest: Buffer): Uint32Array {
  if (digest.length < DIGEST_BYTES)
    throw new RangeError(`digest too short: ${digest.length} bytes`);
  const words = Uint32Array.from({ length: WORDS }, (_, n) => digest.readUInt32LE(n * WORD_BYTES));
  // A digest of zeros would look like a free slot.
  if (words.every((word) => word === 0)) words[0] = 1;
  return words;
}

/** The slot that holds the words or, if none does, the free slot for them. There always is one. */
function find(slots: Uint32Array, words: Uint32Array): number {
  const capacity = slots.length / WORDS;
  // The bits of a digest are random, so no hash function is needed. The capacity is a power of two.
  let index = (words[0] ?? 0) & (capacity - 1);
  for (;;) {
    const slot = index * WORDS;
    if (isFree(slots, slot) || isSame(slots, slot, words)) return slot;
    index = (index + 1) & (capacity - 1);
  }
}

const isFree = (slots: Uint32Array, slot: number): boolean =>
  slots[slot] === 0 && slots[slot + 1] === 0 && slots[slot + 2] === 0 && slots[slot + 3] === 0;

const isSame = (slots: Uint32Array, slot: number, words: Uint32Array): boolean =>
  slots[slot] === words[0] &&
  slots[slot + 1] === words[1] &&
  slots[slot + 2] === words[2] &&
  slots[slot + 3] === words[3];
