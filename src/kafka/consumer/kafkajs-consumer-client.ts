import type { Cluster, Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { describeError } from '../../program/operator-error.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { OutageLog } from '../../telemetry/health/outage-log.ts';
import { RateLimitedLog } from '../../telemetry/rate-limited-log.ts';
import { createConsumerWithCluster } from '../patches/consumer-cluster.ts';
import { commitOfGeneration, observeGroup } from '../patches/consumer-group.ts';
import { fetchedOffset } from '../patches/fetched-offset.ts';
import {
  partitionsWithoutLeader,
  tolerateOfflinePartitions,
} from '../patches/offline-partitions.ts';
import { missingTopics, tolerateMissingTopics } from '../patches/missing-topics.ts';
import { rejoinError } from '../patches/rejoin-error.ts';
import type { TopicPartition } from '../topic-partition.ts';
import { ConnectionState } from './connection-state.ts';
import type { ConsumerClient, ConsumerClientHandlers } from './consumer-client.ts';
import { ConsumerRestarts } from './consumer-restarts.ts';
import { subscriptionAssigner } from './subscription-assigner.ts';

export interface KafkajsConsumerClientOptions {
  readonly kafka: Kafka;
  /** At least one. */
  readonly topics: readonly string[];
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly pollTimeoutMs: number;
  readonly fetchMaxBytes: number;
  readonly metadataMaxAgeMs: number;
  readonly logger: Logger;
  /** What is wrong with a request or a connection; by default the message of the error. */
  readonly describeFailure?: (error: unknown) => string;
}

/** The bridge limits how many messages of all these batches are in progress. */
const MAX_PARTITIONS_AT_ONCE = 64;

/** The bytes of one fetch, as a multiple of the bytes per partition. */
const MAX_PARTITIONS_PER_FETCH = 8;

/**
 * The life cycle of kafkajs's consumer: it starts, joins, rebalances, crashes and restarts. kafkajs
 * restarts it by itself after some errors and ends it for others; see `ConsumerRestarts`.
 */
export class KafkajsConsumerClient implements ConsumerClient {
  readonly #options: KafkajsConsumerClientOptions;
  readonly #handlers: ConsumerClientHandlers;
  readonly #consumer: Consumer;
  readonly #cluster: Cluster;
  readonly #restarts: ConsumerRestarts;
  readonly #connection: ConnectionState;
  readonly #outageLog: OutageLog;
  readonly #crashLog: RateLimitedLog;

  constructor(options: KafkajsConsumerClientOptions, handlers: ConsumerClientHandlers) {
    this.#options = options;
    this.#handlers = handlers;
    this.#connection = new ConnectionState(options.describeFailure);
    this.#outageLog = new OutageLog('Kafka', options.logger);
    this.#crashLog = new RateLimitedLog(options.logger);
    this.#restarts = new ConsumerRestarts({
      run: () => this.#run(),
      onFinalCrash: handlers.onCrash,
    });
    tolerateOfflinePartitions();
    const { consumer, cluster } = createConsumerWithCluster(options.kafka, {
      groupId: options.groupId,
      sessionTimeout: options.sessionTimeoutMs,
      heartbeatInterval: options.heartbeatIntervalMs,
      rebalanceTimeout: options.rebalanceTimeoutMs,
      maxWaitTimeInMs: options.pollTimeoutMs,
      maxBytesPerPartition: options.fetchMaxBytes,
      maxBytes: options.fetchMaxBytes * MAX_PARTITIONS_PER_FETCH,
      metadataMaxAge: options.metadataMaxAgeMs,
      // Asking for a topic that was deleted must not recreate it, without its messages.
      allowAutoTopicCreation: false,
      partitionAssigners: [subscriptionAssigner(options.kafka)],
      retry: {
        initialRetryTime: 300,
        maxRetryTime: 5000,
        retries: 8,
        restartOnFailure: () => this.#restarts.beforeRestart(),
      },
    });
    this.#consumer = consumer;
    this.#cluster = cluster;
    tolerateMissingTopics(cluster);
    this.#observe();
    this.#listen();
  }

  async start(): Promise<void> {
    await this.#consumer.connect();
    // Where nothing is committed. `initializeOffsets` has decided about a new group before.
    await this.#consumer.subscribe({ topics: [...this.#options.topics], fromBeginning: true });
    await this.#run();
  }

  pause(): void {
    try {
      this.#consumer.pause(this.#options.topics.map((topic) => ({ topic })));
    } catch {
      // kafkajs throws while the consumer does not run, but then it fetches nothing anyway.
    }
  }

  seek({ topic, partition }: TopicPartition, offset: bigint): void {
    this.#consumer.seek({ topic, partition, offset: offset.toString() });
  }

  stopRestarts(): Promise<void> {
    return this.#restarts.stop();
  }

  close(): Promise<void> {
    return this.#consumer.disconnect();
  }

  get partitionsWithoutLeader(): readonly TopicPartition[] {
    return this.#options.topics.flatMap((topic) =>
      partitionsWithoutLeader(this.#cluster, topic).map((partition) => ({ topic, partition })),
    );
  }

  get missingTopics(): readonly string[] {
    return missingTopics(this.#cluster, this.#options.topics);
  }

  get disconnectedReason(): string | undefined {
    return this.#connection.reason();
  }

  #run(): Promise<void> {
    return this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: MAX_PARTITIONS_AT_ONCE,
      eachBatch: (payload) => this.#consume(payload),
    });
  }

  async #consume(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    const next = await this.#handlers.onBatch({
      topic: batch.topic,
      partition: batch.partition,
      messages: batch.messages,
      fetchedOffset: fetchedOffset(batch),
      lastOffset: BigInt(batch.lastOffset()),
      heartbeat: () => payload.heartbeat(),
      resolve: (nextOffset) => {
        payload.resolveOffset((nextOffset - 1n).toString());
      },
    });
    if (next === 'rejoin') throw rejoinError();
  }

  #observe(): void {
    observeGroup(this.#cluster, {
      fetched: (broker, brokers) => {
        this.#connection.fetched(broker, brokers);
        this.#connectionChanged();
      },
      nothingToFetch: (broker, brokers) => {
        this.#connection.nothingToFetch(broker, brokers);
        this.#connectionChanged();
      },
      fetchFailed: (broker, error) => {
        this.#connection.fetchFailed(broker, error);
        this.#connectionChanged();
      },
      groupFailed: (error) => {
        this.#connection.groupFailed(error);
        this.#connectionChanged();
      },
      invisibleBatch: this.#handlers.onInvisibleBatch,
    });
  }

  #listen(): void {
    const { onActivity, onJoin, onRebalance, onLeave, onInvisibleBatchSkipped } = this.#handlers;
    const { GROUP_JOIN, REBALANCING, CRASH, HEARTBEAT, FETCH, END_BATCH_PROCESS } =
      this.#consumer.events;
    for (const event of [GROUP_JOIN, CRASH, HEARTBEAT, FETCH]) {
      this.#consumer.on(event, onActivity);
    }
    this.#consumer.on(GROUP_JOIN, ({ payload: { memberId, memberAssignment } }) => {
      this.#connection.joined();
      // No `#connectionChanged`: a consumer that crashes in a loop joins its group each time.
      this.#logConnection();
      const commit = commitOfGeneration(this.#cluster);
      onJoin({
        memberId,
        partitions: Object.entries(memberAssignment).flatMap(([topic, partitions]) =>
          partitions.map((partition) => ({ topic, partition })),
        ),
        commit: (topic, offsets) => {
          const partitions = offsets.map(({ partition, offset }) => ({
            partition,
            offset: offset.toString(),
          }));
          return commit({ topics: [{ topic, partitions }] });
        },
      });
    });
    this.#consumer.on(HEARTBEAT, () => {
      this.#connection.heartbeatSucceeded();
      this.#connectionChanged();
    });
    this.#consumer.on(REBALANCING, onRebalance);
    this.#consumer.on(CRASH, ({ payload }) => {
      const { restart } = payload;
      const error = describeError(payload.error);
      const line = { event: 'kafka_poll_error', error, restart };
      this.#crashLog.write('error', line, 'consumer failed', `${String(restart)} ${error}`);
      this.#connection.crashed(payload.error);
      this.#connectionChanged();
      if (restart) return;
      onLeave();
      this.#restarts.afterCrash(payload.error);
    });
    this.#consumer.on(END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize > 0) return;
      const { topic, partition, lastOffset } = payload;
      onInvisibleBatchSkipped({ topic, partition }, BigInt(lastOffset));
    });
  }

  #connectionChanged(): void {
    this.#logConnection();
    if (this.#connection.isFailing) return;
    this.#restarts.reset();
    this.#crashLog.reset();
  }

  #logConnection(): void {
    if (this.#connection.isFailing) {
      this.#outageLog.unavailable({ error: this.#connection.reason() });
    } else this.#outageLog.available();
  }
}
