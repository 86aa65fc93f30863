import type { HeadersByName } from '../record-headers.ts';

/*
 * What is read from a topic. No type of the Kafka client appears here.
 */

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
  /**
   * Whether messages of another partition may be waiting for the end of this batch: kafkajs fetches nothing
   * from a broker until all batches that it has fetched from it have ended.
   */
  readonly holdsUpOthers: () => boolean;
}

/** The log of a partition has lost messages. The consumer continues, but an operator must know. */
export type LogAnomaly =
  /** Messages were deleted before they were read: offsets from `from` (if known) up to, but not including, `to`. */
  | {
      readonly kind: 'messages-lost';
      readonly topic: string;
      readonly partition: number;
      readonly from: bigint | undefined;
      readonly to: bigint;
    }
  /** The log was recreated or truncated below the group's offset `from`. It is read from `to` on. */
  | {
      readonly kind: 'log-restarted';
      readonly topic: string;
      readonly partition: number;
      readonly from: bigint;
      readonly to: bigint;
    };
