import type { Admin } from 'kafkajs';
import { committedOffsets } from './committed-offsets.ts';
import type { PartitionPosition } from './position-ledger.ts';

/** The position of a group in every partition of a topic. */
export async function readPositions(
  admin: Admin,
  groupId: string,
  topic: string,
): Promise<readonly PartitionPosition[]> {
  const [committed, ends] = await Promise.all([
    committedOffsets(admin, groupId, topic),
    admin.fetchTopicOffsets(topic),
  ]);
  return ends.map(({ partition, low, high }) => ({
    partition,
    committed: committed.get(partition) ?? 'none',
    low: BigInt(low),
    high: BigInt(high),
  }));
}
