import type { Kafka } from 'kafkajs';
import { askBroker } from './ask-broker.ts';
import { foreignMembers, readGroup, unreadPartitions, type GroupMember } from './group-members.ts';
import { readLag } from './read-lag.ts';

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
      await askBroker(kafka, async (admin) => {
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
