import type { Consumer, Kafka } from 'kafkajs';
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

/** Our settings under kafkajs's names. */
export const createKafkajsConsumer = (options: KafkajsConsumerOptions): Consumer =>
  options.kafka.consumer({
    groupId: options.groupId,
    partitionAssigners: [subscriptionAssigner(options.kafka)],
    sessionTimeout: options.sessionTimeoutMs,
    heartbeatInterval: options.heartbeatIntervalMs,
    rebalanceTimeout: options.rebalanceTimeoutMs,
    maxWaitTimeInMs: options.pollTimeoutMs,
    maxBytesPerPartition: options.fetchMaxBytes,
    maxBytes: options.fetchMaxBytes * 8,
    metadataMaxAge: options.metadataMaxAgeMs,
    // A topic that was deleted must not come back empty because we ask for it.
    allowAutoTopicCreation: false,
    retry: { initialRetryTime: 300, maxRetryTime: 5000, retries: 8 },
  });
