import type { Cluster, Consumer, ConsumerConfig, Kafka } from 'kafkajs';

export interface ConsumerWithCluster {
  readonly consumer: Consumer;
  /** Its connections, and what it knows of brokers and partitions. */
  readonly cluster: Cluster;
}

/**
 * Creates a consumer together with its cluster object.
 *
 * kafkajs 2.2.4 passes its cluster only to partition assigners, which it creates together with the consumer;
 * the consumer does not expose it. No upstream issue is known.
 */
export function createConsumerWithCluster(
  kafka: Kafka,
  config: ConsumerConfig & Required<Pick<ConsumerConfig, 'partitionAssigners'>>,
): ConsumerWithCluster {
  const clusters: Cluster[] = [];
  const consumer = kafka.consumer({
    ...config,
    partitionAssigners: config.partitionAssigners.map((create) => (options) => {
      clusters.push(options.cluster);
      return create(options);
    }),
  });
  const [cluster] = clusters;
  if (!cluster) throw new Error('kafkajs has created no partition assigner');
  return { consumer, cluster };
}
