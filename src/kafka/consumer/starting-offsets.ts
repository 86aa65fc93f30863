import type { Admin } from 'kafkajs';
import { OperatorError } from '../../program/operator-error.ts';
import { committedOffsets } from '../group-positions.ts';
import { fetchAllTopicEnds, type TopicAdmin } from '../topic-partitions.ts';

export type AutoOffsetReset = 'earliest' | 'latest' | 'none';

/**
 * Sets where a new group starts, before its first member joins. Afterwards the consumer reads from the
 * beginning wherever nothing is committed: kafkajs's own "latest" would also skip messages when a partition
 * is added or an offset has expired.
 *
 * A group with a committed offset for any partition is not new. Its partitions without one were empty when
 * it last ran, or were added since: they are read from the beginning under every policy.
 *
 * A group without any offset that has ingested before is not new either: its offsets have expired or were
 * deleted. Under `latest` it starts at the oldest message, and `onExpired` is called.
 *
 * Throws an OperatorError under `none` when the group has no committed offset at all.
 */
export async function initializeOffsets(
  admin: TopicAdmin & Pick<Admin, 'fetchOffsets' | 'setOffsets'>,
  options: {
    readonly groupId: string;
    readonly topic: string;
    readonly policy: AutoOffsetReset;
    readonly hasIngestedBefore: () => Promise<boolean>;
    readonly onExpired: () => void;
  },
): Promise<void> {
  const { groupId, topic, policy } = options;
  if (policy === 'earliest') return;
  const committed = await committedOffsets(admin, groupId, topic);
  const isNew = [...committed.values()].every((offset) => offset === 'none');
  if (!isNew) return;
  if (policy === 'none') {
    throw new OperatorError(
      'GROUP_WITHOUT_OFFSETS',
      `The consumer group "${groupId}" has no committed offset for "${topic}", and KAFKA_AUTO_OFFSET_RESET is none`,
      'correct KAFKA_GROUP_ID, or set KAFKA_AUTO_OFFSET_RESET to earliest or latest for the first start of a new group',
    );
  }
  if (await options.hasIngestedBefore()) {
    options.onExpired();
    return;
  }
  const ends = await fetchAllTopicEnds(admin, topic);
  await admin.setOffsets({
    groupId,
    topic,
    partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
  });
}
