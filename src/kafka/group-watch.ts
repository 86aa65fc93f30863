import type { Kafka } from 'kafkajs';
import { withAdmin } from './admin.ts';
import { foreignMembers, readGroup, unreadPartitions, type GroupMember } from './group-members.ts';
import { readLag, type PartitionLag } from './lag.ts';

/** What a consumer group looked like when it was last queried; empty before the first query. */
export interface GroupState {
  /** How far the group has read each partition. Every query replaces the list. */
  readonly partitions: readonly PartitionLag[];
  /** Partitions that no member of the group reads. */
  readonly unread: ReadonlySet<number>;
  /** Members of the group whose subscription is not the topic alone. */
  readonly foreign: readonly GroupMember[];
}

export interface GroupWatch {
  readonly latest: () => GroupState;
  stop(): void;
}

/**
 * Queries the lag and the members of a group at an interval. While the broker is unavailable, the latest
 * results stay.
 */
export function watchGroup(options: {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly topic: string;
  readonly intervalMs: number;
}): GroupWatch {
  const { kafka, groupId, topic, intervalMs } = options;
  let state: GroupState = { partitions: [], unread: new Set(), foreign: [] };
  let isQuerying = false;
  const query = async () => {
    if (isQuerying) return;
    isQuerying = true;
    try {
      await withAdmin(kafka, async (admin) => {
        const { partitions } = await readLag(admin, groupId, topic);
        state = { ...state, partitions };
        const group = await readGroup(admin, groupId);
        const numbers = partitions.map(({ partition }) => partition);
        state = {
          partitions,
          unread: new Set(unreadPartitions(group, topic, numbers)),
          foreign: foreignMembers(group, topic),
        };
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
