import type { Admin } from 'kafkajs';
import { OperatorError } from '../program/operator-error.ts';
import { errorTypeOf } from './kafka-errors.ts';
import { withRequiredRights } from './missing-right.ts';
import { ofOnlinePartitions } from './patches/offline-partitions.ts';

/** What these functions ask of kafkajs's admin client. */
export type TopicAdmin = Pick<Admin, 'fetchTopicMetadata' | 'fetchTopicOffsets'>;

/** The first offset in the log of a partition, and the one that the next message gets. */
export interface PartitionEnds {
  readonly partition: number;
  readonly low: string;
  readonly high: string;
}

export interface TopicEnds {
  /** Of the partitions that are online. */
  readonly ends: readonly PartitionEnds[];
  /** Partitions without a leader, or whose leader does not answer. */
  readonly offline: readonly number[];
}

/**
 * The partitions of a topic, each with whether it has a leader; undefined when the topic does not exist.
 * Asks for this topic by name, which neither creates it nor depends on any other topic. Throws a
 * MissingRightError without the right to see it.
 */
export async function describeTopic(
  admin: Pick<TopicAdmin, 'fetchTopicMetadata'>,
  topic: string,
): Promise<readonly { readonly partition: number; readonly hasLeader: boolean }[] | undefined> {
  try {
    const { topics } = await withRequiredRights(
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

/** What the partitions that are online hold, and which ones are offline. */
export async function fetchTopicEnds(admin: TopicAdmin, topic: string): Promise<TopicEnds> {
  const partitions = (await describeTopic(admin, topic)) ?? [];
  const isOffline = partitions.length > 0 && partitions.every(({ hasLeader }) => !hasLeader);
  const ends = isOffline
    ? []
    : await withRequiredRights([{ operation: 'DESCRIBE', resource: 'topic', name: topic }], () =>
        ofOnlinePartitions(() => admin.fetchTopicOffsets(topic)),
      );
  const online = new Set(ends.map(({ partition }) => partition));
  return {
    ends: [...ends].sort((a, b) => a.partition - b.partition),
    offline: partitions
      .map(({ partition }) => partition)
      .filter((partition) => !online.has(partition)),
  };
}

/** What every partition holds. Throws an OperatorError that names those that are offline. */
export async function fetchAllTopicEnds(
  admin: TopicAdmin,
  topic: string,
): Promise<readonly PartitionEnds[]> {
  const { ends, offline } = await fetchTopicEnds(admin, topic);
  if (offline.length > 0) throw partitionsOffline(topic, offline);
  return ends;
}

export const partitionsOffline = (topic: string, offline: readonly number[]): OperatorError =>
  new OperatorError(
    'KAFKA_PARTITION_OFFLINE',
    `In Kafka ${offlineText(topic, offline)}`,
    OFFLINE_FIX,
  );

/** Such as `partition 1 of "orders" has no leader`. */
export const offlineText = (topic: string, partitions: readonly number[]): string =>
  partitions.length === 1
    ? `partition ${partitions.join()} of "${topic}" has no leader`
    : `partitions ${partitions.join(', ')} of "${topic}" have no leader`;

export const OFFLINE_FIX =
  'start the brokers that hold the replicas (kafka-topics --describe names them); a topic with more than one replica survives the loss of a broker';
