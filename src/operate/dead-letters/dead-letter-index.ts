import { hash } from 'node:crypto';
import { withAdmin } from '../../kafka/admin.ts';
import { removedValueBytes } from '../../kafka/truncated-records.ts';
import type { ConsumedMessage } from '../../kafka/consumer/consumed-message.ts';
import { readRanges, readTopic } from '../../kafka/topic-reader.ts';
import type { OffsetRange } from '../../kafka/offset-ranges.ts';
import { fetchAllTopicEnds } from '../../kafka/topic-partitions.ts';
import { maxFutureTimestamp } from '../../kafka/topics.ts';
import { parseDeadLetter, type DeadLetter, type DeadLetterTopic } from './dead-letter-topic.ts';
import { DigestSet } from './digest-set.ts';

/** Whether a message of the source topic has become a dead letter. */
export interface DeadLetterIndex {
  has(partition: number, message: ConsumedMessage): boolean;
}

/** The messages of the source topic that an index covers. */
export interface IndexedSource {
  readonly topic: string;
  /** By partition. Dead letters of other messages are ignored. */
  readonly ranges: ReadonlyMap<number, OffsetRange>;
}

export interface IndexOptions {
  /** Stops reading early: the index is then incomplete. */
  readonly signal?: AbortSignal;
  /** A dead-letter topic with fewer offsets than this is read from its start. */
  readonly smallTopicOffsets?: bigint;
}

/** Finding out where to start takes longer than reading a topic with fewer offsets. */
const SMALL_TOPIC_OFFSETS = 100_000n;
/** How far into a range its first message is searched for: retention may have deleted some. */
const FIRST_MESSAGE_WITHIN = 1000n;
/** The largest difference assumed between the clocks of brokers and bridges. */
const MAX_CLOCK_SKEW_MS = 24 * 60 * 60 * 1000;

/**
 * Reads the dead letters that these messages can have. An index that is read after the committed
 * offsets of the consumer group contains the dead letter of every message before those offsets.
 */
export async function indexDeadLetters(
  deadLetterTopic: DeadLetterTopic,
  source: IndexedSource,
  options: IndexOptions = {},
): Promise<DeadLetterIndex> {
  const { kafka, topic, groupPrefix } = deadLetterTopic;
  const index = new DigestIndex(source);
  const since = await earliestDeadLetterTime(deadLetterTopic, source, options);
  await readTopic(
    kafka,
    topic,
    groupPrefix,
    ({ partition, messages }) => {
      for (const message of messages) {
        const deadLetter = parseDeadLetter(partition, message);
        if (deadLetter) index.add(deadLetter);
      }
      return Promise.resolve();
    },
    {
      ...(options.signal ? { signal: options.signal } : {}),
      // Only where to start reading: a dead letter may carry the timestamp of its message.
      ...(since === undefined ? {} : { since }),
    },
  );
  return index;
}

/**
 * Recognizes a message by its offset, timestamp, key and value. The offset alone is not enough: when a
 * topic is deleted and recreated, its offsets are used again. Neither is the timestamp, because
 * producers may set it.
 *
 * Memory per dead letter: see `DigestSet`.
 */
export class DigestIndex implements DeadLetterIndex {
  readonly #source: IndexedSource;
  readonly #digests = new DigestSet();
  /** Whether some dead letters lack the timestamp of their message: another program wrote them. */
  #hasUndated = false;

  constructor(source: IndexedSource) {
    this.#source = source;
  }

  add(deadLetter: DeadLetter): void {
    const { sourceTopic, sourcePartition, sourceOffset, sourceTimestamp, omitted } =
      deadLetter.metadata;
    const range = this.#source.ranges.get(sourcePartition);
    if (sourceTopic !== this.#source.topic || !range) return;
    if (sourceOffset < range.from || sourceOffset >= range.to) return;
    if (sourceTimestamp === '') this.#hasUndated = true;
    const isIncomplete = omitted.value !== undefined || omitted.key !== undefined;
    const content = isIncomplete
      ? incompleteContent(omitted.value)
      : completeContent(deadLetter.key, deadLetter.value);
    this.#digests.add(digestOf(sourcePartition, sourceOffset, sourceTimestamp, content));
  }

  has(partition: number, message: ConsumedMessage): boolean {
    if (this.#digests.size === 0) return false;
    const contents = [
      completeContent(message.key, message.value),
      // If the value did not fit into the dead letter, only its length is known.
      incompleteContent(removedValueBytes(message.headers) ?? message.value?.length),
    ];
    const timestamps = this.#hasUndated ? [message.timestamp, ''] : [message.timestamp];
    return timestamps.some((timestamp) =>
      contents.some((content) =>
        this.#digests.has(digestOf(partition, BigInt(message.offset), timestamp, content)),
      ),
    );
  }
}

/** Includes the lengths, so that moving bytes from the key to the value changes the result. */
const completeContent = (key: Buffer | null, value: Buffer | null): string =>
  `whole ${key?.length ?? 'none'} ${value?.length ?? 'none'} ${hash(
    'sha256',
    Buffer.concat([key, value].filter((bytes) => bytes !== null)),
  )}`;

const incompleteContent = (valueBytes: number | undefined): string =>
  `omitted ${valueBytes ?? 'nothing'}`;

const digestOf = (partition: number, offset: bigint, timestamp: string, content: string): Buffer =>
  hash('sha256', `${partition}/${offset}/${timestamp}/${content}`, 'buffer');

/**
 * The earliest time at which dead letters of these messages can have been written: milliseconds since
 * 1970. Undefined if that is unknown, or if the dead-letter topic is small.
 */
async function earliestDeadLetterTime(
  { kafka, topic, groupPrefix }: DeadLetterTopic,
  source: IndexedSource,
  { signal, smallTopicOffsets = SMALL_TOPIC_OFFSETS }: IndexOptions,
): Promise<number | undefined> {
  const { offsets, maxFutureMs } = await withAdmin(kafka, async (admin) => ({
    offsets: (await fetchAllTopicEnds(admin, topic)).reduce(
      (sum, { low, high }) => sum + BigInt(high) - BigInt(low),
      0n,
    ),
    maxFutureMs: await maxFutureTimestamp(admin, source.topic),
  }));
  if (offsets < smallTopicOffsets || maxFutureMs === undefined) return undefined;
  const ranges = new Map([...source.ranges].filter(([, { from, to }]) => from < to));
  const starts = new Map(
    [...ranges].map(([partition, { from, to }]) => {
      const end = from + FIRST_MESSAGE_WITHIN;
      return [partition, { from, to: end < to ? end : to }];
    }),
  );
  const firstTimestamps = new Map<number, number>();
  await readRanges(
    {
      ...{ kafka, topic: source.topic, ranges: starts, groupPrefix },
      ...(signal ? { signal } : {}),
    },
    ({ partition, messages }) => {
      const [first] = messages;
      if (first && !firstTimestamps.has(partition)) {
        firstTimestamps.set(partition, Number(first.timestamp));
      }
      return Promise.resolve();
    },
  );
  return earliestWriteTime(
    [...ranges.keys()].map((partition) => firstTimestamps.get(partition)),
    maxFutureMs,
  );
}

/**
 * A message is appended no earlier than its timestamp, less what the broker allows timestamps to be in
 * the future, and every later message of the partition is appended after it. A dead letter is written
 * after its message was appended, by the clock of a bridge.
 *
 * @param firstTimestamps timestamp of the first message of each range; undefined if it was not found
 * @param maxFutureMs how far the broker allows a timestamp to be ahead of its own clock
 * @returns undefined if a timestamp is missing
 */
export function earliestWriteTime(
  firstTimestamps: readonly (number | undefined)[],
  maxFutureMs: number,
): number | undefined {
  let earliest: number | undefined;
  for (const timestamp of firstTimestamps) {
    // Kafka's -1 means no timestamp.
    if (timestamp === undefined || !(timestamp >= 0)) return undefined;
    earliest = Math.min(earliest ?? timestamp, timestamp);
  }
  if (earliest === undefined) return undefined;
  return Math.max(0, earliest - maxFutureMs - MAX_CLOCK_SKEW_MS);
}
