import type { Admin, Kafka } from 'kafkajs';
import { withAdmin } from './admin.ts';
import { foreignMembers, readGroup, unreadPartitions, type GroupMember } from './group-members.ts';
import { isOffset, readPositions } from './group-positions.ts';
import { ofOnlinePartitions } from './patches/offline-partitions.ts';
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

export interface LagWatch {
  /** Partition to its lag, as of the last look; empty before the first. */
  readonly current: () => ReadonlyMap<number, number>;
  /** Partitions that no member of the group reads, as of the last look. */
  readonly unread: () => ReadonlySet<number>;
  /** Members of the group that subscribe to something else than the topic, as of the last look. */
  readonly foreign: () => readonly GroupMember[];
  /** Partition to the offset that the group has committed there, -1 where there is none. */
  readonly committed: () => ReadonlyMap<number, number>;
  stop(): void;
}

/**
 * Asks the broker now and then how far a group is behind, and who its members are. While it does not
 * answer, the answers stay as they are.
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
  let isAsking = false;
  const look = async () => {
    if (isAsking) return;
    isAsking = true;
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
      isAsking = false;
    }
  };
  void look();
  const timer = setInterval(() => void look(), intervalMs);
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
