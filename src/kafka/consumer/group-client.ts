import type { Admin, Kafka } from 'kafkajs';
import { askBroker } from '../ask-broker.ts';
import { committedOffsets, type CommittedOffset } from '../committed-offsets.ts';
import { ofOnlinePartitions } from '../patches/offline-partitions.ts';
import type { PartitionPosition } from './position-ledger.ts';
import { readPositions } from '../read-positions.ts';

/** Asks the broker about a consumer group and its topic. Every question may fail. */
export interface GroupClient {
  /** Of the partitions that have a leader that can be reached. */
  positions(): Promise<readonly PartitionPosition[]>;
  connect(): GroupConnection;
}

/** Knows the partitions that there were when it was first used. */
export interface GroupConnection {
  committed(): Promise<ReadonlyMap<number, CommittedOffset>>;
  isMember(memberId: string): Promise<boolean>;
  close(): Promise<void>;
}

export const createGroupClient = (kafka: Kafka, groupId: string, topic: string): GroupClient => ({
  positions: () =>
    askBroker(kafka, (admin) => ofOnlinePartitions(() => readPositions(admin, groupId, topic))),
  connect() {
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
