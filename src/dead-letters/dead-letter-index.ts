import { OffsetSet } from './offset-set.ts';
import { readDeadLetters, type DeadLetterPlace } from './read-dead-letters.ts';

/** Tells which messages of a topic have become dead letters. */
export interface DeadLetterIndex {
  has(partition: number, offset: bigint): boolean;
}

/** Reads the whole dead-letter topic. Memory: see `OffsetSet`. */
export async function indexDeadLetters(
  place: DeadLetterPlace,
  sourceTopic: string,
): Promise<DeadLetterIndex> {
  const partitions = new Map<number, OffsetSet>();
  await readDeadLetters(place, {}, (letters) => {
    for (const { account } of letters) {
      if (account.sourceTopic !== sourceTopic) continue;
      const offsets = partitions.get(account.sourcePartition) ?? new OffsetSet();
      partitions.set(account.sourcePartition, offsets);
      offsets.add(account.sourceOffset);
    }
    return Promise.resolve();
  });
  return { has: (partition, offset) => partitions.get(partition)?.has(offset) ?? false };
}
