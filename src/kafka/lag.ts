import type { Admin } from 'kafkajs';
import { isOffset, readPositions, type PartitionPosition } from './group-positions.ts';
import { ofOnlinePartitions } from './patches/offline-partitions.ts';
import { fetchTopicEnds } from './topic-partitions.ts';

/** How far a group has read one partition. */
export interface PartitionLag {
  readonly partition: number;
  /** Undefined where the group has no committed offset. */
  readonly committed: bigint | undefined;
  /** The offset that the next message gets. */
  readonly end: bigint;
  /** The offsets that the group has yet to read. Some may be transaction markers, which are not messages. */
  readonly lag: bigint;
}

export interface TopicLag {
  /** The partitions that are online, in order. */
  readonly partitions: readonly PartitionLag[];
  /** The partitions that have no leader, or whose leader does not answer. Their lag is unknown. */
  readonly offline: readonly number[];
}

export async function readLag(admin: Admin, groupId: string, topic: string): Promise<TopicLag> {
  const { ends, offline } = await fetchTopicEnds(admin, topic);
  const positions =
    ends.length > 0 ? await ofOnlinePartitions(() => readPositions(admin, groupId, topic)) : [];
  return {
    partitions: positions.map(partitionLag).sort((a, b) => a.partition - b.partition),
    offline,
  };
}

/** A group without a committed offset, or with one that is no longer in the log, reads from the log's start. */
export function partitionLag({ partition, committed, low, high }: PartitionPosition): PartitionLag {
  const next = isOffset(committed) && committed > low ? committed : low;
  return {
    partition,
    committed: isOffset(committed) ? committed : undefined,
    end: high,
    lag: high > next ? high - next : 0n,
  };
}
