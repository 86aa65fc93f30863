import type { Admin, Kafka } from 'kafkajs';
import { withAdmin } from '../admin.ts';
import {
  committedOffsets,
  type CommittedOffset,
  readPositions,
  type PartitionPosition,
} from '../group-positions.ts';
import { ofOnlinePartitions } from '../patches/offline-partitions.ts';

/**
 * Asks the broker about a consumer group and its topics. Every request may fail. Each is about one topic:
 * one that has been deleted does not fail the requests about the others.
 */
export interface GroupAdmin {
  /** What the group has committed in each partition of the topic. */
  committed(topic: string): Promise<ReadonlyMap<number, CommittedOffset>>;
  /** The positions in all partitions of the topic that have a leader that can be reached. */
  positions(topic: string): Promise<readonly PartitionPosition[]>;
  /** A connection for repeated requests. It knows the partitions that existed at its first request. */
  connect(topic: string): GroupAdminConnection;
}

export interface GroupAdminConnection {
  committed(): Promise<ReadonlyMap<number, CommittedOffset>>;
  isMember(memberId: string): Promise<boolean>;
  close(): Promise<void>;
}

export const createGroupAdmin = (kafka: Kafka, groupId: string): GroupAdmin => ({
  committed: (topic) => withAdmin(kafka, (admin) => committedOffsets(admin, groupId, topic)),
  positions: (topic) =>
    withAdmin(kafka, (admin) => ofOnlinePartitions(() => readPositions(admin, groupId, topic))),
  connect(topic) {
    // Connects at the first request, and again when the connection was lost.
    const admin = kafka.admin();
    return {
      committed: () => committedOffsets(admin, groupId, topic),
      isMember: (memberId) => isMember(admin, groupId, memberId),
      close: () => admin.disconnect(),
    };
  },
});

async function isMember(admin: Admin, groupId: string, memberId: string): Promise<boolean> {
  const { groups } = await admin.describeGroups([groupId]);
  return groups.some(({ members }) => members.some((member) => member.memberId === memberId));
}
