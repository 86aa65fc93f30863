/** A partition by its topic: two topics have partitions with the same numbers. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Such as `orders/3`, as a key of maps and sets. The name of a topic contains no slash. */
export type PartitionKey = `${string}/${number}`;

export const partitionKey = ({ topic, partition }: TopicPartition): PartitionKey =>
  `${topic}/${partition}`;
