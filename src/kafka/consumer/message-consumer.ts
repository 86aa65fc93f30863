import type { HeadersByName } from '../record-headers.ts';

/**
 * What the rest of the system sees of a Kafka consumer. No type of the Kafka client appears here, so that
 * another client can take its place.
 */
export interface MessageConsumer {
  /** Joins the consumer group. Rejects when Kafka cannot be reached or refuses the consumer. */
  start(): Promise<void>;
  /** Fetches no more batches. Batches that are being processed are not affected. */
  pause(): void;
  /** Commits what is finished, leaves the group and closes all connections. Call it when no batch is in progress. */
  stop(): Promise<void>;
  /** The partitions that are assigned to this consumer. */
  readonly partitions: ReadonlySet<number>;
  /** The assigned partitions that have no leader. They are read as soon as they have one. */
  readonly offlinePartitions: readonly number[];
  /** Why the consumer does not count as connected, or undefined when it does. */
  readonly disconnectedReason: string | undefined;
  /** How long the oldest finished message has waited for its commit, in milliseconds. */
  readonly commitAgeMs: number;
}

/** What a consumer reports to its user. */
export interface MessageHandlers {
  /** Resolves when no message of the batch is in progress any more, finished or not. */
  readonly onBatch: (batch: PartitionBatch) => Promise<void>;
  readonly onLogAnomaly: (anomaly: LogAnomaly) => void;
  /** The consumer is alive: the broker has answered, or the consumer has tried to reach it again. */
  readonly onActivity: () => void;
  /** The consumer has failed and will not restart by itself. */
  readonly onCrash: (error: Error) => void;
}

/** A message as it was read from Kafka. */
export interface ConsumedMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly offset: string;
  /** Milliseconds since 1970, as a decimal number. */
  readonly timestamp: string;
  readonly headers?: HeadersByName;
}

/** Consecutive messages of one partition, valid while the partition is assigned to this consumer. */
export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly ConsumedMessage[];
  /** The offset of the last record of the batch, which may be a control record that is not in `messages`. */
  readonly lastOffset: string;
  /** Aborted when the generation in which the batch was fetched ends. */
  readonly revoked: AbortSignal;
  /** Call it regularly. Throws when the group is rebalancing or has removed this member. */
  readonly heartbeat: () => Promise<void>;
  /**
   * Everything before `nextOffset` is finished and will be committed soon. Does nothing once the batch is
   * revoked.
   */
  readonly markFinishedUpTo: (nextOffset: bigint) => void;
}

/** The log of a partition has lost messages. The consumer continues, but an operator must know. */
export type LogAnomaly =
  /** Messages were deleted before they were read: offsets from `from` (if known) up to, but not including, `to`. */
  | {
      readonly kind: 'messages-lost';
      readonly partition: number;
      readonly from: bigint | undefined;
      readonly to: bigint;
    }
  /** The log was recreated or truncated below the group's offset `from`. It is read from `to` on. */
  | {
      readonly kind: 'log-restarted';
      readonly partition: number;
      readonly from: bigint;
      readonly to: bigint;
    };
