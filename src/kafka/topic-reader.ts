import { randomUUID } from 'node:crypto';
import type { EachBatchPayload, Kafka } from 'kafkajs';
import { describeError, OperatorError } from '../program/operator-error.ts';
import { nameMissingRight, withRequiredRights, type KafkaRight } from './missing-right.ts';
import { withAdmin } from './admin.ts';
import { topicRanges, type OffsetRange } from './offset-ranges.ts';
import { ofOnlinePartitions } from './patches/offline-partitions.ts';
import { fetchAllTopicEnds } from './topic-partitions.ts';
import type { ConsumedMessage } from './consumer/message-consumer.ts';

export interface RangeBatch {
  readonly partition: number;
  /** In the order of their offsets; never empty. */
  readonly messages: readonly ConsumedMessage[];
}

export interface ReadRangesOptions {
  readonly kafka: Kafka;
  readonly topic: string;
  readonly ranges: ReadonlyMap<number, OffsetRange>;
  /** The reader joins as a group of its own, whose name begins with this, and leaves no trace. */
  readonly groupPrefix: string;
  /** Ends the reading early, without an error. */
  readonly signal?: AbortSignal;
}

const FETCH_MAX_BYTES = 1_048_576;
const HEARTBEAT_INTERVAL_MS = 3000;
const SESSION_TIMEOUT_MS = 45_000;
const STALL_TIMEOUT_MS = 30_000;

/**
 * Reads ranges of a topic, a batch at a time: the next one is fetched when `onBatch` has resolved, so
 * that memory is bounded whatever the size of the ranges. Aborted transactions and control records
 * are left out. Commits nothing.
 *
 * Throws what `onBatch` throws, and an OperatorError when nothing has come for half a minute, as when
 * a transaction in the range is still open.
 */
export async function readRanges(
  options: ReadRangesOptions,
  onBatch: (batch: RangeBatch) => Promise<void>,
): Promise<void> {
  const { kafka, topic, signal } = options;
  const ranges = new Map([...options.ranges].filter(([, { from, to }]) => from < to));
  if (ranges.size === 0 || signal?.aborted) return;
  const groupId = `${options.groupPrefix}.reader-${randomUUID()}`;
  const consumer = kafka.consumer({
    groupId,
    sessionTimeout: SESSION_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_INTERVAL_MS,
    maxWaitTimeInMs: 500,
    maxBytesPerPartition: FETCH_MAX_BYTES,
    maxBytes: FETCH_MAX_BYTES * 4,
    allowAutoTopicCreation: false,
  });
  /** The next offset to deal with: a batch that is fetched twice is dealt with once. */
  const next = new Map([...ranges].map(([partition, { from }]) => [partition, from]));
  const isDone = (partition: number) =>
    (next.get(partition) ?? 0n) >= (ranges.get(partition)?.to ?? 0n);

  const rights: readonly KafkaRight[] = [
    { operation: 'READ', resource: 'topic', name: topic },
    {
      operation: 'READ',
      resource: 'group',
      name: `${options.groupPrefix}.reader-`,
      isPrefix: true,
    },
  ];

  try {
    await consumer.connect();
    await withRequiredRights(rights, () => consumer.subscribe({ topic, fromBeginning: true }));
    await new Promise<void>((resolve, reject) => {
      let isOver = false;
      const end = (how: () => void) => {
        isOver = true;
        clearTimeout(stall);
        how();
      };
      const fail = (cause: unknown) => {
        const error = nameMissingRight(cause, rights);
        end(() => {
          reject(error instanceof Error ? error : new Error(describeError(error)));
        });
      };
      const stall = setTimeout(() => {
        const [partition] = [...ranges.keys()].filter((key) => !isDone(key));
        fail(
          new OperatorError(
            'KAFKA_READ_STALLED',
            `Nothing has come from partition ${partition ?? 0} of "${topic}" for ${STALL_TIMEOUT_MS / 1000} s, at offset ${next.get(partition ?? 0) ?? 0n}`,
            'check that the broker is well, and that no transaction is open there',
          ),
        );
      }, STALL_TIMEOUT_MS);
      const moveTo = (partition: number, offset: bigint) => {
        stall.refresh();
        if (offset > (next.get(partition) ?? 0n)) next.set(partition, offset);
        if (isDone(partition)) consumer.pause([{ topic, partitions: [partition] }]);
        if ([...ranges.keys()].every(isDone)) end(resolve);
      };
      signal?.addEventListener('abort', () => {
        end(resolve);
      });
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
        for (const partition of payload.memberAssignment[topic] ?? []) {
          const offset = next.get(partition);
          if (offset === undefined) consumer.pause([{ topic, partitions: [partition] }]);
          else consumer.seek({ topic, partition, offset: offset.toString() });
        }
      });
      consumer.on(consumer.events.CRASH, ({ payload }) => {
        if (!payload.restart) fail(payload.error);
      });
      // A batch of nothing but control records and aborted messages.
      consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
        if (payload.batchSize === 0) moveTo(payload.partition, BigInt(payload.lastOffset) + 1n);
      });
      const handle = async (payload: EachBatchPayload) => {
        const { batch } = payload;
        if (isOver) return;
        const { partition } = batch;
        const from = next.get(partition) ?? 0n;
        const to = ranges.get(partition)?.to ?? 0n;
        const messages = batch.messages.filter(({ offset }) => {
          const number = BigInt(offset);
          return number >= from && number < to;
        });
        const pulse = setInterval(() => {
          stall.refresh();
          void payload.heartbeat().catch(() => undefined);
        }, HEARTBEAT_INTERVAL_MS);
        try {
          if (messages.length > 0) await onBatch({ partition, messages });
        } catch (error) {
          fail(error);
          return;
        } finally {
          clearInterval(pulse);
        }
        payload.resolveOffset(batch.lastOffset());
        moveTo(partition, BigInt(batch.lastOffset()) + 1n);
      };
      consumer
        .run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: handle })
        .catch(fail);
    });
  } finally {
    await consumer.disconnect().catch(describeError);
  }
}

export interface TopicPart {
  /**
   * Leaves out what comes before the first message of a partition that has this timestamp or a later
   * one: milliseconds since 1970. Later messages may have an earlier timestamp.
   */
  readonly since?: number;
  /** Partition to offsets; what is not among them is left out. */
  readonly within?: ReadonlyMap<number, OffsetRange>;
  /** Ends the reading early, without an error. */
  readonly signal?: AbortSignal;
}

/**
 * Reads a topic, or a part of it, from its oldest message to its present end. See `readRanges`. Throws
 * an OperatorError when a partition is offline.
 */
export async function readWholeTopic(
  kafka: Kafka,
  topic: string,
  groupPrefix: string,
  onBatch: (batch: RangeBatch) => Promise<void>,
  { since, within, signal }: TopicPart = {},
): Promise<void> {
  const ranges = await withAdmin(kafka, async (admin) => {
    // First of all: what is written meanwhile is then after it, and before the end.
    const starts =
      since === undefined
        ? []
        : await ofOnlinePartitions(() => admin.fetchTopicOffsetsByTimestamp(topic, since));
    return topicRanges(await fetchAllTopicEnds(admin, topic), starts, within);
  });
  await readRanges({ kafka, topic, ranges, groupPrefix, ...(signal ? { signal } : {}) }, onBatch);
}
