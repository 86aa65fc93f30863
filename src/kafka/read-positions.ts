import type { Admin } from 'kafkajs';
import { committedOffsets } from './committed-offsets.ts';
import type { PartitionPosition } from './consumer/partition.ts';

/**
 * The position of a group in every partition of a topic. A partition of which only the end or only the
 * committed offset is known, as one that was added in between, is left out.
 */
export async function readPositions(
  admin: Pick<Admin, 'fetchTopicOffsets' | 'fetchOffsets'>,
  groupId: string,
  topic: string,
): Promise<readonly PartitionPosition[]> {
  // One after the other: a new client that is asked both at once may look up the group with metadata
  // that has no topic yet, and then asks for the offsets of no partition.
  const committed = await committedOffsets(admin, groupId, topic);
  const ends = await admin.fetchTopicOffsets(topic);
  return ends.flatMap(({ partition, low, high }) => {
    const offset = committed.get(partition);
    return offset === undefined
      ? []
      : [{ partition, committed: offset, low: BigInt(low), high: BigInt(high) }];
  });
}
