/**
 * How far a batch of one partition is done. Messages finish in any order; only the part without a
 * gap may be committed, since a commit says that everything before it is dealt with.
 */
export interface PartitionProgress {
  /** Marks the message at this index of the batch as dealt with. */
  finish(index: number): void;
  /** The offset to go on from, or undefined while the first message is not finished. */
  nextOffset(): bigint | undefined;
}

/**
 * @param offsets of the batch's messages, ascending, perhaps with gaps
 * @param lastOffset of the batch's last record, which may be a control record after them
 */
export function createPartitionProgress(
  offsets: readonly string[],
  lastOffset: string,
): PartitionProgress {
  const finished = new Uint8Array(offsets.length);
  let prefix = 0;
  return {
    finish(index) {
      finished[index] = 1;
      while (finished[prefix] === 1) prefix += 1;
    },
    nextOffset() {
      if (prefix === 0) return undefined;
      const next = offsets[prefix];
      return next === undefined ? BigInt(lastOffset) + 1n : BigInt(next);
    },
  };
}
