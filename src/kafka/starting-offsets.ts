import type { Admin } from 'kafkajs';
import { OperatorError } from '../program/operator-error.ts';
import { committedOffsets } from './committed-offsets.ts';

export type AutoOffsetReset = 'earliest' | 'latest' | 'none';

/**
 * Settles where a group begins that has never committed, before it joins. The consumer itself then
 * always reads from the beginning where nothing is committed: kafkajs's "latest" would also jump
 * over messages when a partition is added or an offset has expired.
 *
 * A group without any offset that has ingested before is not new: its offsets have expired or were
 * deleted, so it begins at the oldest message whatever the policy says, and `onExpired` is told.
 *
 * Throws an OperatorError for `none` when a partition has no committed offset.
 */
export async function settleStartingOffsets(
  admin: Admin,
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
  const unknown = [...committed.keys()].filter((key) => committed.get(key) === 'none');
  if (unknown.length === 0) return;
  if (policy === 'none') {
    throw new OperatorError(
      `The consumer group "${groupId}" has no committed offset for partition ${unknown.join(', ')} of "${topic}", and KAFKA_AUTO_OFFSET_RESET is none`,
      'correct KAFKA_GROUP_ID, or set KAFKA_AUTO_OFFSET_RESET to earliest or latest for the first start of a new group',
    );
  }
  if (unknown.length < committed.size) return;
  if (await options.hasIngestedBefore()) {
    options.onExpired();
    return;
  }
  const ends = await admin.fetchTopicOffsets(topic);
  await admin.setOffsets({
    groupId,
    topic,
    partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
  });
}
