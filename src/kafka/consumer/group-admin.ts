import type { Admin, Kafka } from 'kafkajs';
import { withAdmin } from '../admin.ts';
import {
  committedOffsets,
  type CommittedOffset,
  readPositions,
  type PartitionPosition,
} from '../group-positions.ts';
import { ofOnlinePartitions } from '../patches/offline-partitions.ts';

/** Asks the broker about a consumer group and its topic. Every request may fail. */
export interface GroupAdmin {
  /** What the group has committed in each partition. */
  committed(): Promise<ReadonlyMap<number, CommittedOffset>>;
  /** The positions in all partitions that have a leader that can be reached. */
  positions(): Promise<readonly PartitionPosition[]>;
  /** A connection for repeated requests. It knows the partitions that existed at its first request. */
  connect(): GroupAdminConnection;
}

export interface GroupAdminConnection {
  committed(): Promise<ReadonlyMap<number, CommittedOffset>>;
  isMember(memberId: string): Promise<boolean>;
  close(): Promise<void>;
}

export const createGroupAdmin = (kafka: Kafka, groupId: string, topic: string): GroupAdmin => ({
  committed: () => withAdmin(kafka, (admin) => committedOffsets(admin, groupId, topic)),
  positions: () =>
    withAdmin(kafka, (admin) => ofOnlinePartitions(() => readPositions(admin, groupId, topic))),
  connect() {
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
