import type { Admin, Kafka } from 'kafkajs';
import { withAdmin } from './admin.ts';
import { foreignMembers, readGroup, unreadPartitions, type GroupMember } from './group-members.ts';
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

/** The results of the latest successful query; empty before the first. */
export interface LagWatch {
  /** Partition to its lag. */
  readonly current: () => ReadonlyMap<number, number>;
  /** Partitions that no member of the group reads. */
  readonly unread: () => ReadonlySet<number>;
  /** Members of the group whose subscription is not the topic alone. */
  readonly foreign: () => readonly GroupMember[];
  /** Partition to the group's committed offset, -1 where there is none. */
  readonly committed: () => ReadonlyMap<number, number>;
  stop(): void;
}

/**
 * Queries the lag and the members of a group at an interval. While the broker is unavailable, the latest
 * results stay.
 */
export function watchLag(options: {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly topic: string;
  readonly intervalMs: number;
}): LagWatch {
  const { kafka, groupId, topic, intervalMs } = options;
  let lag: ReadonlyMap<number, number> = new Map();
  let unread: ReadonlySet<number> = new Set();
  let foreign: readonly GroupMember[] = [];
  let committed: ReadonlyMap<number, number> = new Map();
  let isQuerying = false;
  const query = async () => {
    if (isQuerying) return;
    isQuerying = true;
    try {
      await withAdmin(kafka, async (admin) => {
        const { partitions } = await readLag(admin, groupId, topic);
        lag = new Map(partitions.map((one) => [one.partition, Number(one.lag)]));
        committed = new Map(partitions.map((one) => [one.partition, Number(one.committed ?? -1)]));
        const group = await readGroup(admin, groupId);
        unread = new Set(unreadPartitions(group, topic, [...lag.keys()]));
        foreign = foreignMembers(group, topic);
      });
    } catch {
      // The consumer itself reports that the broker is unavailable.
    } finally {
      isQuerying = false;
    }
  };
  void query();
  const timer = setInterval(() => void query(), intervalMs);
  return {
    current: () => lag,
    unread: () => unread,
    foreign: () => foreign,
    committed: () => committed,
    stop() {
      clearInterval(timer);
    },
  };
}
