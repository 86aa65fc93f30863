import { randomUUID } from 'node:crypto';
import type { Consumer, EachBatchPayload, Kafka } from 'kafkajs';
import { describeError, OperatorError } from '../program/operator-error.ts';
import { withAdmin } from './admin.ts';
import type { ConsumedMessage } from './consumer/consumed-message.ts';
import { withRequiredPermissions } from './missing-permission.ts';
import { topicRanges, type OffsetRange } from './offset-ranges.ts';
import { ofOnlinePartitions } from './patches/offline-partitions.ts';
import { fetchAllTopicEnds } from './topic-partitions.ts';

export interface RangeBatch {
  readonly partition: number;
  /** In the order of their offsets; never empty. */
  readonly messages: readonly ConsumedMessage[];
}

type OnBatch = (batch: RangeBatch) => Promise<void>;

export interface ReadRangesOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  /** Partition to the offsets to read. */
  readonly ranges: ReadonlyMap<number, OffsetRange>;
  /** The reader joins a consumer group of its own, whose ID has this prefix. It commits no offsets. */
  readonly groupPrefix: string;
  /** Stops the reading early, without an error. */
  readonly signal?: AbortSignal;
}

const FETCH_MAX_BYTES = 1_048_576;
const HEARTBEAT_INTERVAL_MS = 3000;
const SESSION_TIMEOUT_MS = 45_000;
const STALL_TIMEOUT_MS = 30_000;

/**
 * Reads ranges of a topic batch by batch. The next batch is fetched once `onBatch` has resolved, so that
 * memory is bounded whatever the size of the ranges. Aborted transactions and control records are left
 * out.
 *
 * Throws what `onBatch` throws, and an OperatorError when no message arrives for 30 s, as happens when
 * a transaction in the range is still open.
 */
export async function readRanges(options: ReadRangesOptions, onBatch: OnBatch): Promise<void> {
  const { kafka, topic, groupPrefix, signal } = options;
  const progress = new RangeProgress(options.ranges);
  if (progress.isComplete || signal?.aborted) return;
  const groupIdPrefix = `${groupPrefix}.reader-`;
  const consumer = kafka.consumer({
    groupId: `${groupIdPrefix}${randomUUID()}`,
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_INTERVAL_MS,
    maxWaitTimeInMs: 500,
    maxBytesPerPartition: FETCH_MAX_BYTES,
    maxBytes: FETCH_MAX_BYTES * 4,
    allowAutoTopicCreation: false,
  });
  try {
    await consumer.connect();
    await withRequiredPermissions(
      [
        { operation: 'READ', resource: 'topic', name: topic },
        { operation: 'READ', resource: 'group', name: groupIdPrefix, isPrefix: true },
      ],
      async () => {
        await consumer.subscribe({ topic, fromBeginning: true });
        await consumeRanges(consumer, topic, progress, onBatch, signal);
      },
    );
  } finally {
    await consumer.disconnect().catch(() => undefined);
  }
}

/** Runs the consumer until the ranges have been read, the signal is aborted or something fails. */
function consumeRanges(
  consumer: Consumer,
  topic: string,
  progress: RangeProgress,
  onBatch: OnBatch,
  signal: AbortSignal | undefined,
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    let isOver = false;
    const end = (settle: () => void) => {
      isOver = true;
      clearTimeout(stall);
      settle();
    };
    const fail = (error: unknown) => {
      end(() => {
        reject(error instanceof Error ? error : new Error(describeError(error)));
      });
    };
    const stall = setTimeout(() => {
      const { partition, offset } = progress.firstIncomplete ?? { partition: 0, offset: 0n };
      fail(
        new OperatorError(
          'KAFKA_READ_STALLED',
          `No message has arrived from partition ${partition} of "${topic}" for ${STALL_TIMEOUT_MS / 1000} s, at offset ${offset}`,
          'check that the broker is healthy and that no transaction is open at this offset',
        ),
      );
    }, STALL_TIMEOUT_MS);
    const advance = (partition: number, nextOffset: bigint) => {
      if (isOver) return;
      stall.refresh();
      progress.advance(partition, nextOffset);
      if (progress.isDone(partition)) consumer.pause([{ topic, partitions: [partition] }]);
      if (progress.isComplete) end(resolve);
    };
    const handle = async (payload: EachBatchPayload) => {
      if (isOver) return;
      const { partition } = payload.batch;
      const messages = progress.select(partition, payload.batch.messages);
      const heartbeat = setInterval(() => {
        stall.refresh();
        void payload.heartbeat().catch(() => undefined);
      }, HEARTBEAT_INTERVAL_MS);
      try {
        if (messages.length > 0) await onBatch({ partition, messages });
      } catch (error) {
        fail(error);
        return;
      } finally {
        clearInterval(heartbeat);
      }
      payload.resolveOffset(payload.batch.lastOffset());
      advance(partition, BigInt(payload.batch.lastOffset()) + 1n);
    };

    signal?.addEventListener('abort', () => {
      end(resolve);
    });
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      for (const partition of payload.memberAssignment[topic] ?? []) {
        const offset = progress.nextOffset(partition);
        if (offset === undefined) consumer.pause([{ topic, partitions: [partition] }]);
        else consumer.seek({ topic, partition, offset: offset.toString() });
      }
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      if (!payload.restart) fail(payload.error);
    });
    // kafkajs does not call `eachBatch` for a batch that holds only control records and aborted messages.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      if (payload.batchSize === 0) advance(payload.partition, BigInt(payload.lastOffset) + 1n);
    });
    consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: handle }).catch(fail);
  });
}

/** How much of each range has been read. Messages that are fetched twice are selected once. */
export class RangeProgress {
  readonly #ranges: ReadonlyMap<number, OffsetRange>;
  readonly #next: Map<number, bigint>;

  constructor(ranges: ReadonlyMap<number, OffsetRange>) {
    this.#ranges = new Map([...ranges].filter(([, { from, to }]) => from < to));
    this.#next = new Map([...this.#ranges].map(([partition, { from }]) => [partition, from]));
  }

  /** The offset to read next; undefined for a partition of which nothing is to be read. */
  nextOffset(partition: number): bigint | undefined {
    return this.#next.get(partition);
  }

  /** Records that everything before `nextOffset` has been read. */
  advance(partition: number, nextOffset: bigint): void {
    if (nextOffset > (this.#next.get(partition) ?? nextOffset))
      this.#next.set(partition, nextOffset);
  }

  /** The messages that are in the partition's range and have not been read yet. */
  select<Message extends { readonly offset: string }>(
    partition: number,
    messages: readonly Message[],
  ): readonly Message[] {
    const from = this.#next.get(partition) ?? 0n;
    const to = this.#ranges.get(partition)?.to ?? 0n;
    return messages.filter(({ offset }) => BigInt(offset) >= from && BigInt(offset) < to);
  }

  isDone(partition: number): boolean {
    return (this.#next.get(partition) ?? 0n) >= (this.#ranges.get(partition)?.to ?? 0n);
  }

  get isComplete(): boolean {
    return this.firstIncomplete === undefined;
  }

  /** The first partition whose range has not been read, and where the reading is. */
  get firstIncomplete(): { readonly partition: number; readonly offset: bigint } | undefined {
    for (const [partition, { from }] of this.#ranges) {
      if (!this.isDone(partition)) return { partition, offset: this.#next.get(partition) ?? from };
    }
    return undefined;
  }
}

/** What to read of a topic; everything if left out. */
export interface TopicLimits {
  /**
   * Reads each partition from its first message with this timestamp or a later one, in milliseconds since
   * 1970. Messages after that one may have an earlier timestamp.
   */
  readonly since?: number;
  /** Partition to offsets. Partitions that are not listed are left out. */
  readonly within?: ReadonlyMap<number, OffsetRange>;
  /** Stops the reading early, without an error. */
  readonly signal?: AbortSignal;
}

/**
 * Reads a topic from its oldest message to its present end, or the part of it that the limits allow; see
 * `readRanges`. Throws an OperatorError when a partition is offline.
 */
export async function readTopic(
  kafka: Kafka,
  topic: string,
  groupPrefix: string,
  onBatch: OnBatch,
  { since, within, signal }: TopicLimits = {},
): Promise<void> {
  const ranges = await withAdmin(kafka, async (admin) => {
    // The starts are read before the ends, so that what is written in between is after the start.
    const starts =
      since === undefined
        ? []
        : await ofOnlinePartitions(() => admin.fetchTopicOffsetsByTimestamp(topic, since));
    return topicRanges(await fetchAllTopicEnds(admin, topic), starts, within);
  });
  await readRanges({ kafka, topic, ranges, groupPrefix, ...(signal ? { signal } : {}) }, onBatch);
}
