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
 * still being loaded: that is waited for.
 */
export async function committedOffsets(
  admin: Pick<Admin, 'fetchOffsets'>,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, CommittedOffset>> {
  const fetched = await needing(
    [
      { operation: 'DESCRIBE', resource: 'group', name: groupId },
      { operation: 'DESCRIBE', resource: 'topic', name: topic },
    ],
    () =>
      pRetry(() => admin.fetchOffsets({ groupId, topics: [topic] }), {
        retries: 6,
        minTimeout: 100,
        shouldRetry: ({ error }) => 'retriable' in error && error.retriable === true,
      }),
  );
  return new Map(
    (fetched[0]?.partitions ?? []).map(({ partition, offset }) => [
      partition,
      offset.startsWith('-') ? (offset === '-1' ? 'none' : 'reset') : BigInt(offset),
    ]),
  );
}

/** Whether something has been committed, and is still there. */
export const isOffset = (committed: CommittedOffset | undefined): committed is bigint =>
  typeof committed === 'bigint';
