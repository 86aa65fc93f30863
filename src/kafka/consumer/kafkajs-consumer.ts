import type { Cluster, Consumer, Kafka } from 'kafkajs';
import { observeGroup, type GroupObserver } from '../patches/consumer-group.ts';
import { tolerateOfflinePartitions } from '../patches/offline-partitions.ts';
import { subscriptionAssigner } from './subscription-assigner.ts';

export interface KafkajsConsumerOptions {
  readonly kafka: Kafka;
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly pollTimeoutMs: number;
  readonly fetchMaxBytes: number;
  readonly metadataMaxAgeMs: number;
}

export interface KafkajsConsumer {
  readonly consumer: Consumer;
  /** Its connections, and what it knows of the brokers and partitions. */
  readonly cluster: Cluster;
}

/**
 * Our settings under kafkajs's names.
 * @param observer.beforeRestart awaited before kafkajs restarts the consumer by itself, if it may
 */
export function createKafkajsConsumer(
  options: KafkajsConsumerOptions,
  observer: GroupObserver & { readonly beforeRestart: () => Promise<boolean> },
): KafkajsConsumer {
  tolerateOfflinePartitions();
  const clusters: Cluster[] = [];
  const assigner = subscriptionAssigner(options.kafka);
  const consumer = options.kafka.consumer({
    groupId: options.groupId,
    sessionTimeout: options.sessionTimeoutMs,
    heartbeatInterval: options.heartbeatIntervalMs,
    rebalanceTimeout: options.rebalanceTimeoutMs,
    maxWaitTimeInMs: options.pollTimeoutMs,
    maxBytesPerPartition: options.fetchMaxBytes,
    maxBytes: options.fetchMaxBytes * 8,
    metadataMaxAge: options.metadataMaxAgeMs,
    // A topic that was deleted must not come back empty because we ask for it.
    allowAutoTopicCreation: false,
    partitionAssigners: [
      // kafkajs gives its cluster to nobody but an assigner, when the consumer is created.
      (config) => {
        clusters.push(config.cluster);
        return assigner(config);
      },
    ],
    retry: {
      initialRetryTime: 300,
      maxRetryTime: 5000,
      retries: 8,
      restartOnFailure: () => observer.beforeRestart(),
    },
  });
  const [cluster] = clusters;
  if (!cluster) throw new Error('kafkajs has created no partition assigner');
  observeGroup(cluster, observer);
  return { consumer, cluster };
}
