import type { Admin } from 'kafkajs';
import pRetry from 'p-retry';
import { withRequiredPermissions } from './missing-permission.ts';

/**
 * What a group has committed for one partition:
 * - an offset;
 * - `none`: nothing, or the offset has expired, or the topic has been deleted since;
 * - `reset`: kafkajs has committed -2, which means that the previous offset was out of the log's range.
 */
export type CommittedOffset = bigint | 'none' | 'reset';

export const isOffset = (committed: CommittedOffset | undefined): committed is bigint =>
  typeof committed === 'bigint';

/**
 * The committed offset of each partition of the topic. Waits while the coordinator is still loading the
 * group, as it does after a broker's start.
 *
 * Throws when the answer names no partition at all: while kafkajs does not know the topic, as when brokers
 * restart, it asks for no partition, and that answer says nothing about what is committed.
 */
export async function committedOffsets(
  admin: Pick<Admin, 'fetchOffsets'>,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, CommittedOffset>> {
  const partitions = await withRequiredPermissions(
    [
      { operation: 'DESCRIBE', resource: 'group', name: groupId },
      { operation: 'DESCRIBE', resource: 'topic', name: topic },
    ],
    () =>
      pRetry(() => fetchPartitions(admin, groupId, topic), {
        retries: 6,
        minTimeout: 100,
        shouldRetry: ({ error }) =>
          error instanceof EmptyAnswer || ('retriable' in error && error.retriable === true),
      }),
  );
  return new Map(
    partitions.map(({ partition, offset }) => [
      partition,
      offset.startsWith('-') ? (offset === '-1' ? 'none' : 'reset') : BigInt(offset),
    ]),
  );
}

async function fetchPartitions(admin: Pick<Admin, 'fetchOffsets'>, groupId: string, topic: string) {
  const [found] = await admin.fetchOffsets({ groupId, topics: [topic] });
  if (found && found.partitions.length > 0) return found.partitions;
  throw new EmptyAnswer(
    `The broker's answer about the committed offsets of group "${groupId}" names no partition of "${topic}"`,
  );
}

class EmptyAnswer extends Error {}

/** The bounds of a partition's log, and what the group has committed there. */
export interface PartitionPosition {
  readonly partition: number;
  readonly committed: CommittedOffset;
  /** The oldest offset that is still in the log. */
  readonly low: bigint;
  /** The offset that the next message gets. */
  readonly high: bigint;
}

/**
 * The position of a group in each partition of a topic. Partitions that appear in only one of the two
 * answers, such as one that is added in between, are left out.
 */
export async function readPositions(
  admin: Pick<Admin, 'fetchTopicOffsets' | 'fetchOffsets'>,
  groupId: string,
  topic: string,
): Promise<readonly PartitionPosition[]> {
  // Not in parallel: a new client may then ask for the group's offsets before its metadata has the topic,
  // and kafkajs asks for the offsets of no partition.
  const committed = await committedOffsets(admin, groupId, topic);
  const ends = await admin.fetchTopicOffsets(topic);
  return ends.flatMap(({ partition, low, high }) => {
    const offset = committed.get(partition);
    return offset === undefined
      ? []
      : [{ partition, committed: offset, low: BigInt(low), high: BigInt(high) }];
  });
}
