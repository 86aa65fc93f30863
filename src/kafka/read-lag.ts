import type { Admin } from 'kafkajs';
import { isOffset } from './committed-offsets.ts';
import { ofOnlinePartitions } from './patches/offline-partitions.ts';
import { readPositions } from './read-positions.ts';
import { fetchTopicEnds } from './topic-partitions.ts';

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

export interface TopicLag {
  /** Of the partitions that are online, in their order. */
  readonly partitions: readonly PartitionLag[];
  /** Partitions whose lag is unknown, since they have no leader or it does not answer. */
  readonly offline: readonly number[];
}

export async function readLag(admin: Admin, groupId: string, topic: string): Promise<TopicLag> {
  const { ends, offline } = await fetchTopicEnds(admin, topic);
  const positions =
    ends.length > 0 ? await ofOnlinePartitions(() => readPositions(admin, groupId, topic)) : [];
  return {
    partitions: positions
      .map(({ partition, committed, low, high }) => {
        const from = isOffset(committed) && committed > low ? committed : low;
        return {
          partition,
          committed: isOffset(committed) ? committed : undefined,
          end: high,
          lag: high > from ? high - from : 0n,
        };
      })
      .sort((a, b) => a.partition - b.partition),
    offline,
  };
}
