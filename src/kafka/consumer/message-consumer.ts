import type { KafkaMessage } from 'kafkajs';
import type { HeadersByName } from '../patches/record-headers.ts';

/** A message as the bridge sees it. */
export interface ConsumedMessage extends Pick<
  KafkaMessage,
  'key' | 'value' | 'offset' | 'timestamp'
> {
  readonly headers?: HeadersByName;
}

/** Messages of one partition, in order, for as long as the partition is ours. */
export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: readonly ConsumedMessage[];
  /** Of the last record of the batch, which may be one that no application sees. */
  readonly lastOffset: string;
  /** Aborted when the partition is no longer ours, or when the bridge gives up waiting. */
  readonly revoked: AbortSignal;
  /** To be called often. Throws when the group is rebalancing or has put this member out. */
  readonly heartbeat: () => Promise<void>;
  /** All before `nextOffset` is finished: it will be committed soon. Does nothing once lost. */
  readonly markFinishedUpTo: (nextOffset: bigint) => void;
}
