import { setMaxListeners } from 'node:events';
import type { Consumer, EachBatchPayload, Kafka, KafkaMessage } from 'kafkajs';
import { describeError } from '../program/operator-error.ts';
import type { Logger } from '../telemetry/logger.ts';

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
  readonly advance: (nextOffset: string) => void;
}

export interface OrderConsumerOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly pollTimeoutMs: number;
  readonly fetchMaxBytes: number;
  readonly commitIntervalMs: number;
  readonly logger: Logger;
  /** Resolves when nothing of the batch is under way any more, finished or not. */
  readonly onBatch: (batch: PartitionBatch) => Promise<void>;
  /** The consumer has ended for good, and will not come back by itself. */
  readonly onCrash: (error: Error) => void;
}

/**
 * A member of the consumer group that commits only what is finished, and only for partitions it
 * still owns.
 *
 * Every join of the group opens an **epoch**. A batch belongs to the epoch in which it was fetched;
 * what it reports in a later one is ignored, also when the partition came back. Without that, a
 * consumer that rejoins underneath a running batch would commit the old batch's offsets with the
 * new membership (kafkajs#1046).
 */
export class OrderConsumer {
  readonly #options: OrderConsumerOptions;
  readonly #consumer: Consumer;
  #epoch = newEpoch();
  /** The partitions that are ours in the current epoch. */
  #assigned: readonly number[] = [];
  /** Partition to the offset to commit, of the current epoch. */
  readonly #pending = new Map<number, string>();
  /** Commits without a retry, so that it can never happen in a later epoch than it was asked for. */
  #commit: EachBatchPayload['commitOffsetsIfNecessary'] | undefined;
  #commitTimer: NodeJS.Timeout | undefined;
  /** Commits follow one another, so that they only ever move forward. */
  #flushing = Promise.resolve();

  constructor(options: OrderConsumerOptions) {
    this.#options = options;
    this.#consumer = options.kafka.consumer({
      groupId: options.groupId,
      sessionTimeout: options.sessionTimeoutMs,
      heartbeatInterval: options.heartbeatIntervalMs,
      rebalanceTimeout: options.rebalanceTimeoutMs,
      maxWaitTimeInMs: options.pollTimeoutMs,
      maxBytesPerPartition: options.fetchMaxBytes,
      maxBytes: options.fetchMaxBytes * 8,
      metadataMaxAge: 60_000,
      retry: { initialRetryTime: 300, maxRetryTime: 5000, retries: 8 },
    });
  }

  async start(): Promise<void> {
    const { topic, commitIntervalMs, logger, onCrash } = this.#options;
    const { GROUP_JOIN, REBALANCING, CRASH } = this.#consumer.events;
    this.#consumer.on(GROUP_JOIN, ({ payload }) => {
      const partitions = payload.memberAssignment[topic] ?? [];
      this.#openEpoch(partitions);
      logger.info({ event: 'partitions_assigned', topic, partitions }, 'joined the consumer group');
    });
    this.#consumer.on(REBALANCING, () => {
      logger.info({ event: 'group_rebalancing', topic }, 'the consumer group is rebalancing');
      // Written to the coordinator before the request to join: still the old membership.
      void this.flush();
    });
    this.#consumer.on(CRASH, ({ payload }) => {
      const error = describeError(payload.error);
      logger.error(
        { event: 'kafka_poll_error', error, restart: payload.restart },
        'consumer failed',
      );
      if (!payload.restart) onCrash(payload.error);
    });
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topic, fromBeginning: true });
    await this.#consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: MAX_PARTITIONS_AT_ONCE,
      eachBatch: (payload) => this.#consume(payload),
    });
    this.#commitTimer = setInterval(() => void this.flush(), commitIntervalMs);
  }

  /** Fetches nothing more; the batches at hand go on. */
  pause(): void {
    if (this.#commitTimer) this.#consumer.pause([{ topic: this.#options.topic }]);
  }

  /** Commits what has been reported as finished. Never throws: what is not committed is read again. */
  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#commitPending());
    return this.#flushing;
  }

  /** Commits, leaves the group and closes. To be called when no batch is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#commitTimer);
    await this.flush();
    this.#epoch.abort();
    await this.#consumer.disconnect().catch((error: unknown) => {
      this.#options.logger.warn(
        { event: 'consumer_close_error', error: describeError(error) },
        'the group learns of the departure by the session timeout',
      );
    });
  }

  async #commitPending(): Promise<void> {
    const { topic, logger } = this.#options;
    const commit = this.#commit;
    if (!commit || this.#pending.size === 0) return;
    const partitions = [...this.#pending].map(([partition, offset]) => ({ partition, offset }));
    this.#pending.clear();
    const epoch = this.#epoch;
    try {
      await commit({ topics: [{ topic, partitions }] });
      logger.debug({ event: 'offset_committed', topic, partitions }, 'offsets committed');
    } catch (error) {
      logger.warn(
        { event: 'commit_failed', topic, partitions, error: describeError(error) },
        'offsets not committed; the messages since are read again if this member leaves',
      );
      if (epoch === this.#epoch) this.#restore(partitions);
    }
  }

  #openEpoch(assigned: readonly number[]): void {
    this.#epoch.abort();
    this.#epoch = newEpoch();
    this.#assigned = assigned;
    this.#pending.clear();
    this.#commit = undefined;
  }

  async #consume(payload: EachBatchPayload): Promise<void> {
    const { batch } = payload;
    // Fetched before the group last joined, and only now its turn.
    if (!this.#assigned.includes(batch.partition)) return;
    const epoch = this.#epoch;
    this.#commit = (offsets) => payload.commitOffsetsIfNecessary(offsets);
    await this.#options.onBatch({
      topic: batch.topic,
      partition: batch.partition,
      messages: batch.messages,
      lastOffset: batch.lastOffset(),
      lost: epoch.signal,
      heartbeat: () => payload.heartbeat(),
      advance: (nextOffset) => {
        if (epoch.signal.aborted) return;
        payload.resolveOffset((BigInt(nextOffset) - 1n).toString());
        this.#pending.set(batch.partition, nextOffset);
      },
    });
  }

  /** Puts back what could not be committed, unless a later offset has been reported meanwhile. */
  #restore(partitions: readonly { partition: number; offset: string }[]): void {
    for (const { partition, offset } of partitions) {
      if (!this.#pending.has(partition)) this.#pending.set(partition, offset);
    }
  }
}

/** Batches are cheap to hold: what runs at once is limited by the bridge over all of them. */
const MAX_PARTITIONS_AT_ONCE = 64;

function newEpoch(): AbortController {
  const epoch = new AbortController();
  // Each batch in hand listens, one for every partition.
  setMaxListeners(0, epoch.signal);
  return epoch;
}
