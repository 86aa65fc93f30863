/**
 * How far a batch of one partition is finished. Messages finish in any order, but only the contiguous
 * prefix may be committed: a commit means that everything before the offset is finished.
 */
export class BatchProgress {
  readonly #offsets: readonly string[];
  readonly #lastOffset: string;
  readonly #finished: Uint8Array;
  /** How many messages the contiguous finished prefix holds. */
  #prefix = 0;

  /**
   * @param offsets of the batch's messages, ascending, possibly with gaps
   * @param lastOffset of the batch's last record, which may be a control record after them
   */
  constructor(offsets: readonly string[], lastOffset: string) {
    this.#offsets = offsets;
    this.#lastOffset = lastOffset;
    this.#finished = new Uint8Array(offsets.length);
  }

  /** Marks the message at this index of the batch as finished. */
  finish(index: number): void {
    this.#finished[index] = 1;
    while (this.#finished[this.#prefix] === 1) this.#prefix += 1;
  }

  /** The offset to continue from; undefined while the first message is not finished. */
  nextOffset(): bigint | undefined {
    if (this.#prefix === 0) return undefined;
    const next = this.#offsets[this.#prefix];
    return next === undefined ? BigInt(this.#lastOffset) + 1n : BigInt(next);
  }
}
