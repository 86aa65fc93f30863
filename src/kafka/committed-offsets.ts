import type { Admin } from 'kafkajs';
import pRetry from 'p-retry';
import { needing } from './missing-right.ts';

/**
 * What a group has committed for one partition:
 * - an offset;
 * - `none`: nothing, or it has expired, or the topic was deleted since;
 * - `reset`: kafkajs's mark (a committed -2) that the offset before was out of the log's range.
 */
export type CommittedOffset = bigint | 'none' | 'reset';

/**
 * The committed offset of each partition of the topic. Right after a broker's start the group is
 * still being loaded: that is waited for. Throws when there is no answer, and also for one without any
 * partition: kafkajs asks for none while it does not know the topic, as when brokers restart, and such
 * an answer says nothing about what is committed.
 */
export async function committedOffsets(
  admin: Pick<Admin, 'fetchOffsets'>,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, CommittedOffset>> {
  const partitions = await needing(
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
    `the answer about the offsets of the group "${groupId}" names no partition of "${topic}"`,
  );
}

class EmptyAnswer extends Error {}

/** Whether something has been committed, and is still there. */
export const isOffset = (committed: CommittedOffset | undefined): committed is bigint =>
  typeof committed === 'bigint';
