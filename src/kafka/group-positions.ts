import type { Admin } from 'kafkajs';
import pRetry from 'p-retry';
import { withRequiredRights } from './missing-right.ts';

/**
 * What a group has committed for one partition:
 * - an offset;
 * - `none`: nothing was committed, the offset has expired, or the topic was deleted;
 * - `reset`: kafkajs has committed -2, because the offset before was out of the log's range.
 */
export type CommittedOffset = bigint | 'none' | 'reset';

/**
 * The committed offset of each partition of the topic. After a broker has started, waits until it has loaded
 * the group. Throws when the broker does not answer, or when the answer has no partition: while kafkajs does
 * not know the topic, for example because brokers restart, it requests no partition, and the answer does not
 * mean that nothing is committed.
 */
export async function committedOffsets(
  admin: Pick<Admin, 'fetchOffsets'>,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, CommittedOffset>> {
  const partitions = await withRequiredRights(
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
    `the answer with the offsets of the group "${groupId}" has no partition of "${topic}"`,
  );
}

class EmptyAnswer extends Error {}

/** Whether it is an offset. */
export const isOffset = (committed: CommittedOffset | undefined): committed is bigint =>
  typeof committed === 'bigint';

/** Where the log of a partition begins and ends, and what the group has committed there. */
export interface PartitionPosition {
  readonly partition: number;
  readonly committed: CommittedOffset;
  /** The oldest offset that is still in the log. */
  readonly low: bigint;
  /** The offset that the next message gets. */
  readonly high: bigint;
}

/**
 * The position of a group in every partition of a topic. A partition of which only the end or only the
 * committed offset is known, as one that was added in between, is left out.
 */
export async function readPositions(
  admin: Pick<Admin, 'fetchTopicOffsets' | 'fetchOffsets'>,
  groupId: string,
  topic: string,
): Promise<readonly PartitionPosition[]> {
  // One after the other: a new client that is asked both at once may look up the group with metadata
  // that has no topic yet, and then asks for the offsets of no partition.
  const committed = await committedOffsets(admin, groupId, topic);
  const ends = await admin.fetchTopicOffsets(topic);
  return ends.flatMap(({ partition, low, high }) => {
    const offset = committed.get(partition);
    return offset === undefined
      ? []
      : [{ partition, committed: offset, low: BigInt(low), high: BigInt(high) }];
  });
}
