import { setTimeout as delay } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { OperatorError } from '../../program/operator-error.ts';
import { committedOffsets } from '../group-positions.ts';
import { quoted } from '../source-topics.ts';
import { fetchAllTopicEnds, type TopicAdmin } from '../topic-partitions.ts';

export type AutoOffsetReset = 'earliest' | 'latest' | 'none';

/** While the first bridges of a group start together, only one can set its offsets. */
const ATTEMPTS = 5;
const PAUSE_MS = 1000;

/**
 * Sets where a new group starts, before its first member joins. Afterwards the consumer reads from the
 * beginning wherever nothing is committed: kafkajs's own "latest" would also skip messages when a partition
 * is added or an offset has expired.
 *
 * A group with a committed offset for any partition of any of its topics is not new. Its partitions without one
 * were empty when it last ran, or were added since, as was a topic without any: they are read from the beginning
 * under every policy.
 *
 * A group without any offset that has ingested before is not new either: its offsets have expired or were
 * deleted. Under `latest` it starts at the oldest message of every topic, and `onExpired` is called for those that
 * it has ingested.
 *
 * A group with members cannot be given offsets. If these do not commit any within a few seconds, they decide where it
 * starts.
 *
 * Throws an OperatorError under `none` when the group has no committed offset at all.
 */
export async function initializeOffsets(
  admin: TopicAdmin & Pick<Admin, 'fetchOffsets' | 'setOffsets'>,
  options: {
    readonly groupId: string;
    readonly topics: readonly string[];
    readonly policy: AutoOffsetReset;
    readonly hasIngestedBefore: (topic: string) => Promise<boolean>;
    readonly onExpired: (topic: string) => void;
    readonly pauseMs?: number;
  },
): Promise<void> {
  if (options.policy === 'earliest') return;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (attempt > 1) await delay(options.pauseMs ?? PAUSE_MS);
    try {
      await tryToInitialize(admin, options);
      return;
    } catch (error) {
      if (!hasMembers(error)) throw error;
    }
  }
}

/** kafkajs has no code for this error. */
const hasMembers = (error: unknown): boolean =>
  error instanceof Error && error.message.includes('must have no running instances');

async function tryToInitialize(
  ...[admin, options]: Parameters<typeof initializeOffsets>
): Promise<void> {
  const { groupId, topics, policy } = options;
  for (const topic of topics) {
    const committed = await committedOffsets(admin, groupId, topic);
    const isNew = [...committed.values()].every((offset) => offset === 'none');
    if (!isNew) return;
  }
  if (policy === 'none') {
    throw new OperatorError(
      'GROUP_WITHOUT_OFFSETS',
      `The consumer group "${groupId}" has no committed offset for ${quoted(topics)}, and KAFKA_AUTO_OFFSET_RESET is none`,
      'correct KAFKA_GROUP_ID, or set KAFKA_AUTO_OFFSET_RESET to earliest or latest for the first start of a new group',
    );
  }
  let hasExpired = false;
  for (const topic of topics) {
    if (!(await options.hasIngestedBefore(topic))) continue;
    hasExpired = true;
    options.onExpired(topic);
  }
  if (hasExpired) return;
  for (const topic of topics) {
    const ends = await fetchAllTopicEnds(admin, topic);
    await admin.setOffsets({
      groupId,
      topic,
      partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
    });
  }
}
