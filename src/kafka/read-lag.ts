import type { Admin } from 'kafkajs';
import { isOffset } from './committed-offsets.ts';
import { readPositions } from './read-positions.ts';

/** How far a group has got in one partition. */
export interface PartitionLag {
  readonly partition: number;
  /** Undefined where the group has committed nothing yet. */
  readonly committed: bigint | undefined;
  /** The offset that the next message gets. */
  readonly end: bigint;
  /** Offsets to go. Some of them may be markers of transactions, which are no messages. */
  readonly lag: bigint;
}

export async function readLag(
  admin: Admin,
  groupId: string,
  topic: string,
): Promise<readonly PartitionLag[]> {
  const positions = await readPositions(admin, groupId, topic);
  return positions
    .map(({ partition, committed, low, high }) => {
      const from = isOffset(committed) && committed > low ? committed : low;
      return {
        partition,
        committed: isOffset(committed) ? committed : undefined,
        end: high,
        lag: high > from ? high - from : 0n,
      };
    })
    .sort((a, b) => a.partition - b.partition);
}
