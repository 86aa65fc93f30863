import type { KafkaMessage } from 'kafkajs';

/** A message as the bridge sees it. */
export type ConsumedMessage = Pick<
  KafkaMessage,
  'key' | 'value' | 'headers' | 'offset' | 'timestamp'
>;

/** Messages of one partition, in order, for as long as the partition is ours. */
export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly ConsumedMessage[];
  /** Of the last record of the batch, which may be one that no application sees. */
  readonly lastOffset: string;
  /** Aborted when the partition is no longer ours, or when the bridge gives up waiting. */
  readonly lost: AbortSignal;
  /** To be called often. Throws when the group is rebalancing or has put this member out. */
  readonly heartbeat: () => Promise<void>;
  /** All before `nextOffset` is finished: it will be committed soon. Does nothing once lost. */
  readonly advance: (nextOffset: bigint) => void;
}
