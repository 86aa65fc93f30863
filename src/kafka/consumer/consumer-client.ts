import type { CommitOffsets } from './assignment.ts';
import type { TopicPartition } from '../topic-partition.ts';
import type { ConsumedMessage } from './consumed-message.ts';

/**
 * What `GroupConsumer` needs of a Kafka client: one member of a consumer group that reads one or
 * more topics. `KafkajsConsumerClient` implements it.
 */
export interface ConsumerClient {
  start(): Promise<void>;
  /** Stops fetching. */
  pause(): void;
  /** Fetches the partition from this offset next, whatever was fetched of it before. */
  seek(partition: TopicPartition, offset: bigint): void;
  /** Stops restarting the client when it ends. Resolves when no restart is in progress. */
  stopRestarts(): Promise<void>;
  /** Leaves the group and closes the connections. */
  close(): Promise<void>;
  /** The partitions of the topics that have no leader, as far as the client knows. */
  readonly partitionsWithoutLeader: readonly TopicPartition[];
  /** The topics that do not exist, as far as the client knows, while another one does. */
  readonly missingTopics: readonly string[];
  /** Why the client does not count as connected, or undefined when it does. */
  readonly disconnectedReason: string | undefined;
}

/** What the client reports to `GroupConsumer`. */
export interface ConsumerClientHandlers {
  /** The group has a new generation with this member in it. */
  readonly onJoin: (join: GroupJoin) => void;
  /** The group is rebalancing. The request to join it follows as soon as this returns. */
  readonly onRebalance: () => void;
  /** The client has ended. It may start again, and then joins the group. */
  readonly onLeave: () => void;
  /** Returns whether the client has to join the group again. Throws to have the batch fetched again. */
  readonly onBatch: (batch: FetchedBatch) => Promise<'done' | 'rejoin'>;
  /** A batch without any message for the application was fetched. */
  readonly onInvisibleBatch: (batch: InvisibleBatch) => void;
  /** The client moves past such a batch now. */
  readonly onInvisibleBatchSkipped: (partition: TopicPartition, lastOffset: bigint) => void;
  /** The broker has answered, or the client has tried to reach it again. */
  readonly onActivity: () => void;
  /** The client has ended and will not start again. */
  readonly onCrash: (error: Error) => void;
}

export interface GroupJoin {
  readonly memberId: string;
  readonly partitions: readonly TopicPartition[];
  /** Commits in this generation of the group only. */
  readonly commit: CommitOffsets;
}

export interface FetchedBatch extends TopicPartition {
  readonly messages: readonly ConsumedMessage[];
  /** Where the fetch began. */
  readonly fetchedOffset: bigint;
  readonly lastOffset: bigint;
  readonly heartbeat: () => Promise<void>;
  /** Fetches the partition from `nextOffset` on, once this batch has ended. */
  readonly resolve: (nextOffset: bigint) => void;
}

/** A batch that consists of control records and messages of aborted transactions. */
export interface InvisibleBatch extends TopicPartition {
  /** Where the fetch began. */
  readonly fetchedOffset: bigint;
  readonly lastOffset: bigint;
}
