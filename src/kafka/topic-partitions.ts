import type { Admin } from 'kafkajs';
import { OperatorError } from '../program/operator-error.ts';
import { errorTypeOf } from './kafkajs-errors.ts';
import { withRequiredPermissions } from './missing-permission.ts';
import { ofOnlinePartitions } from './patches/offline-partitions.ts';

/** The part of kafkajs's admin client that these functions use. */
export type TopicAdmin = Pick<Admin, 'fetchTopicMetadata' | 'fetchTopicOffsets'>;

/** The bounds of a partition's log. */
export interface PartitionEnds {
  readonly partition: number;
  /** The oldest offset that is still in the log. */
  readonly low: string;
  /** The offset that the next message gets. */
  readonly high: string;
}

export interface TopicEnds {
  /** The partitions that are online, in order. */
  readonly ends: readonly PartitionEnds[];
  /** Partitions that have no leader, or whose leader does not answer. */
  readonly offline: readonly number[];
  /** Whether one of them has a leader. It may have failed a moment ago, and another one may take over. */
  readonly isLeaderSilent: boolean;
}

/**
 * The partitions of a topic, in order; undefined when the topic does not exist. Asking for this topic by
 * name neither creates it nor fails because of any other topic. Throws a MissingPermissionError without the
 * permission to describe it.
 */
export async function describeTopic(
  admin: Pick<TopicAdmin, 'fetchTopicMetadata'>,
  topic: string,
): Promise<readonly { readonly partition: number; readonly hasLeader: boolean }[] | undefined> {
  try {
    const { topics } = await withRequiredPermissions(
      [{ operation: 'DESCRIBE', resource: 'topic', name: topic }],
      () => admin.fetchTopicMetadata({ topics: [topic] }),
    );
    return topics
      .flatMap(({ partitions }) => partitions)
      .map(({ partitionId, leader }) => ({
        partition: partitionId,
        hasLeader: leader >= 0,
      }))
      .sort((a, b) => a.partition - b.partition);
  } catch (error) {
    if (errorTypeOf(error) === 'UNKNOWN_TOPIC_OR_PARTITION') return undefined;
    throw error;
  }
}

export const topicExists = async (
  admin: Pick<TopicAdmin, 'fetchTopicMetadata'>,
  topic: string,
): Promise<boolean> => (await describeTopic(admin, topic)) !== undefined;

/** The bounds of each partition that is online, and which partitions are offline. */
export async function fetchTopicEnds(admin: TopicAdmin, topic: string): Promise<TopicEnds> {
  const partitions = (await describeTopic(admin, topic)) ?? [];
  const isAllOffline = partitions.length > 0 && partitions.every(({ hasLeader }) => !hasLeader);
  const ends = isAllOffline
    ? []
    : await withRequiredPermissions(
        [{ operation: 'DESCRIBE', resource: 'topic', name: topic }],
        () => ofOnlinePartitions(() => admin.fetchTopicOffsets(topic)),
      );
  const online = new Set(ends.map(({ partition }) => partition));
  const offline = partitions.filter(({ partition }) => !online.has(partition));
  return {
    ends: inOrder(ends),
    offline: offline.map(({ partition }) => partition),
    isLeaderSilent: offline.some(({ hasLeader }) => hasLeader),
  };
}

const inOrder = (ends: readonly PartitionEnds[]): readonly PartitionEnds[] =>
  [...ends].sort((a, b) => a.partition - b.partition);

/**
 * The bounds of every partition. Throws an OperatorError that names the partitions that are offline, or why
 * the leader of one cannot be reached: see `duringFailover`.
 */
export async function fetchAllTopicEnds(
  admin: TopicAdmin,
  topic: string,
): Promise<readonly PartitionEnds[]> {
  const { ends, offline, isLeaderSilent } = await fetchTopicEnds(admin, topic);
  // A request for all partitions fails with the error of the connection to the leader.
  if (isLeaderSilent) return inOrder(await admin.fetchTopicOffsets(topic));
  if (offline.length > 0) throw partitionsOffline(topic, offline);
  return ends;
}

export const partitionsOffline = (topic: string, offline: readonly number[]): OperatorError =>
  new OperatorError(
    'KAFKA_PARTITION_OFFLINE',
    `In Kafka, ${offlineText(topic, offline)}`,
    OFFLINE_FIX,
  );

/** Such as `partition 1 of "orders" has no leader`. */
export const offlineText = (topic: string, partitions: readonly number[]): string =>
  partitions.length === 1
    ? `partition ${partitions.join()} of "${topic}" has no leader`
    : `partitions ${partitions.join(', ')} of "${topic}" have no leader`;

export const OFFLINE_FIX =
  'start the brokers that hold the replicas (`kafka-topics --describe` lists them); a topic with more than one replica survives the loss of a broker';
