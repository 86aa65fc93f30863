import type { Admin, Kafka } from 'kafkajs';
import { withAdmin } from './admin.ts';
import { otherMembers, readGroup, unreadPartitions, type GroupMember } from './group-members.ts';
import { readLag, type PartitionLag } from './lag.ts';
import { partitionKey, type PartitionKey, type TopicPartition } from './topic-partition.ts';
import { topicExists } from './topic-partitions.ts';

/** What a consumer group looked like when it was last queried; empty before the first query. */
export interface GroupState {
  /**
   * How far the group has read each partition of the topics that exist. Every query replaces the list.
   */
  readonly partitions: readonly (PartitionLag & TopicPartition)[];
  /** Partitions that no member of the group reads. */
  readonly unread: ReadonlySet<PartitionKey>;
  /** Members of the group that share no topic with this one. */
  readonly foreign: readonly GroupMember[];
  /** Members of the group that share some topics with this one, and have others. */
  readonly overlapping: OverlappingMembers;
}

export interface OverlappingMembers {
  readonly members: readonly GroupMember[];
  /** Since when they are these members, with these topics: milliseconds since 1970. */
  readonly since: number;
}

export const EMPTY_GROUP: GroupState = {
  partitions: [],
  unread: new Set(),
  foreign: [],
  overlapping: { members: [], since: 0 },
};

export interface GroupWatch {
  readonly latest: () => GroupState;
  stop(): void;
}

/**
 * Queries the lag and the members of a group at an interval. While the broker is unavailable, the latest
 * results stay. A topic that does not exist is left out.
 */
export function watchGroup(options: {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly topics: readonly string[];
  readonly intervalMs: number;
  /** Other members, or the same with other topics, share some topics with this one. */
  readonly onOverlap: (members: readonly GroupMember[]) => void;
}): GroupWatch {
  const { kafka, groupId, topics, intervalMs, onOverlap } = options;
  let state = EMPTY_GROUP;
  let isQuerying = false;
  const query = async () => {
    if (isQuerying) return;
    isQuerying = true;
    try {
      await withAdmin(kafka, async (admin) => {
        const partitions: (PartitionLag & TopicPartition)[] = [];
        for (const topic of topics) {
          const lag = await lagOf(admin, groupId, topic);
          partitions.push(...lag.map((partition) => ({ ...partition, topic })));
        }
        state = { ...state, partitions };
        const group = await readGroup(admin, groupId);
        const unread = topics.flatMap((topic) => {
          const ofTopic = partitions.filter((partition) => partition.topic === topic);
          const numbers = ofTopic.map(({ partition }) => partition);
          return unreadPartitions(group, topic, numbers).map((partition) =>
            partitionKey({ topic, partition }),
          );
        });
        const { foreign, overlapping: members } = otherMembers(group, topics);
        const overlapping = overlapSince(state.overlapping, members, Date.now());
        const hasChanged = overlapping !== state.overlapping;
        state = { partitions, unread: new Set(unread), foreign, overlapping };
        if (hasChanged && members.length > 0) onOverlap(members);
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
    latest: () => state,
    stop() {
      clearInterval(timer);
    },
  };
}

/**
 * No partitions if the topic does not exist, so that the lag of the others is still read. This is checked
 * beforehand, because kafkajs repeats a request for the offsets of a missing topic for several seconds.
 */
const lagOf = async (
  admin: Admin,
  groupId: string,
  topic: string,
): Promise<readonly PartitionLag[]> =>
  (await topicExists(admin, topic)) ? (await readLag(admin, groupId, topic)).partitions : [];

/** The same object as before while the members and their topics are the same. */
export function overlapSince(
  before: OverlappingMembers,
  members: readonly GroupMember[],
  now: number,
): OverlappingMembers {
  return signature(members) === signature(before.members) ? before : { members, since: now };
}

const signature = (members: readonly GroupMember[]): string =>
  JSON.stringify(members.map(({ memberId, topics = [] }) => [memberId, ...topics]).sort());
