import type { Admin } from 'kafkajs';
import pRetry from 'p-retry';

/**
 * The committed offset of each partition of the topic, as digits, or undefined where the group has
 * committed none. Right after a broker's start the group is still being loaded: that is waited for.
 */
export async function committedOffsets(
  admin: Admin,
  groupId: string,
  topic: string,
): Promise<ReadonlyMap<number, string | undefined>> {
  const fetched = await pRetry(() => admin.fetchOffsets({ groupId, topics: [topic] }), {
    retries: 6,
    minTimeout: 100,
    shouldRetry: ({ error }) => 'retriable' in error && error.retriable === true,
  });
  return new Map(
    (fetched[0]?.partitions ?? []).map(({ partition, offset }) => [
      partition,
      offset.startsWith('-') ? undefined : offset,
    ]),
  );
}
