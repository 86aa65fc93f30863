import { setTimeout as delay } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { OperatorError } from '../../program/operator-error.ts';
import { committedOffsets } from '../group-positions.ts';
import { quoted } from '../source-topics.ts';
import { fetchAllTopicEnds, type TopicAdmin } from '../topic-partitions.ts';

export type AutoOffsetReset = 'earliest' | 'latest' | 'none';

/** How long to try to set offsets while the group has members: other bridges that start together with this one. */
const ATTEMPTS = 15;
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
 * Throws an OperatorError under `none` when the group has no committed offset at all, and under `latest` when its
 * offsets cannot be set because it keeps having members.
 */
export async function initializeOffsets(
  admin: OffsetsAdmin,
  options: {
    readonly groupId: string;
    readonly topics: readonly string[];
    readonly policy: AutoOffsetReset;
    readonly hasIngestedBefore: (topic: string) => Promise<boolean>;
    readonly onExpired: (topic: string) => void;
    readonly pauseMs?: number;
  },
): Promise<void> {
  const { groupId, topics, policy, pauseMs = PAUSE_MS } = options;
  if (policy === 'earliest') return;
  if ((await topicsWithoutOffsets(admin, groupId, topics)).length < topics.length) return;
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
  let unset = topics;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    if (attempt > 1) await delay(pauseMs);
    // Another bridge may have set some of them in the meantime.
    unset = await topicsWithoutOffsets(admin, groupId, topics);
    try {
      for (const topic of unset) await setToEnds(admin, groupId, topic);
      return;
    } catch (error) {
      if (!isForMembers(error)) throw error;
    }
  }
  // A bridge that joined between two topics takes the rest for topics that were added: they are read from the beginning.
  if (unset.length < topics.length) return;
  throw new OperatorError(
    'GROUP_WITHOUT_OFFSETS',
    `The consumer group "${groupId}" has members that have committed no offset for ${quoted(topics)}, so that KAFKA_AUTO_OFFSET_RESET=latest cannot be applied`,
    'give this service a group of its own (KAFKA_GROUP_ID), or stop the other members of the group for the first start',
  );
}

type OffsetsAdmin = TopicAdmin & Pick<Admin, 'fetchOffsets' | 'setOffsets'>;

async function topicsWithoutOffsets(
  admin: OffsetsAdmin,
  groupId: string,
  topics: readonly string[],
): Promise<readonly string[]> {
  const found: string[] = [];
  for (const topic of topics) {
    const committed = await committedOffsets(admin, groupId, topic);
    if ([...committed.values()].every((offset) => offset === 'none')) found.push(topic);
  }
  return found;
}

async function setToEnds(admin: OffsetsAdmin, groupId: string, topic: string): Promise<void> {
  const ends = await fetchAllTopicEnds(admin, topic);
  await admin.setOffsets({
    groupId,
    topic,
    partitions: ends.map(({ partition, high }) => ({ partition, offset: high })),
  });
}

/** Only a group without members can be given offsets. kafkajs has no code for this error. */
const isForMembers = (error: unknown): boolean =>
  error instanceof Error && error.message.includes('must have no running instances');
