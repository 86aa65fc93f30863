import { readDeadLetterHeaders, type DeadLetterMetadata } from '../../contract/dead-letter.ts';
import type { ConsumedMessage } from '../../kafka/consumer/consumed-message.ts';
import type { KafkaClient } from '../../kafka/kafka-client.ts';
import { rangesAround, type MessagePosition } from '../../kafka/offset-ranges.ts';
import type { HeadersByName } from '../../kafka/record-headers.ts';
import { readTopic } from '../../kafka/topic-reader.ts';

/** Where the dead letters are, and how to read them. */
export interface DeadLetterTopic {
  readonly kafka: KafkaClient;
  readonly topic: string;
  /** The topic that marks which of them have been requeued. */
  readonly marksTopic: string;
  readonly groupPrefix: string;
}

/** A message on the dead-letter topic. */
export interface DeadLetter {
  /** `partition:offset` on the dead-letter topic. */
  readonly id: string;
  readonly partition: number;
  readonly offset: bigint;
  /** When it was written: milliseconds since 1970. */
  readonly writtenAt: number;
  /** The key of the original message; null if the bridge generated the dead letter's key. */
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: HeadersByName;
  readonly metadata: DeadLetterMetadata;
}

/** Undefined for a message that was not written by a bridge. */
export function parseDeadLetter(
  partition: number,
  message: ConsumedMessage,
): DeadLetter | undefined {
  const headers = message.headers ?? {};
  const metadata = readDeadLetterHeaders(headers);
  if (!metadata) return undefined;
  return {
    id: `${partition}:${message.offset}`,
    partition,
    offset: BigInt(message.offset),
    writtenAt: Number(message.timestamp),
    key: metadata.hasGeneratedKey ? null : message.key,
    value: message.value,
    headers,
    metadata,
  };
}

/**
 * A copy with its own memory. The buffers of a dead letter are slices of the fetch response: keeping
 * one keeps the whole response.
 */
export function detached(deadLetter: DeadLetter): DeadLetter {
  const copy = <Value>(value: Value) => (Buffer.isBuffer(value) ? Buffer.from(value) : value);
  return {
    ...deadLetter,
    key: deadLetter.key && Buffer.from(deadLetter.key),
    value: deadLetter.value && Buffer.from(deadLetter.value),
    headers: Object.fromEntries(
      Object.entries(deadLetter.headers).map(([name, header]) => [
        name,
        Array.isArray(header) ? header.map(copy) : copy(header),
      ]),
    ),
  };
}

/** A dead letter matches if it meets every condition that is set. */
export interface DeadLetterFilter {
  readonly ids?: readonly string[] | undefined;
  readonly reason?: string | undefined;
  readonly sourceTopic?: string | undefined;
  /** Partition of the source topic. */
  readonly sourcePartition?: number | undefined;
  /** Written at or after this: milliseconds since 1970. */
  readonly since?: number | undefined;
  /** Written before this. */
  readonly until?: number | undefined;
}

function matches(deadLetter: DeadLetter, filter: DeadLetterFilter): boolean {
  const { ids, reason, sourceTopic, sourcePartition, since, until } = filter;
  return (
    (ids === undefined || ids.includes(deadLetter.id)) &&
    (reason === undefined || deadLetter.metadata.reason === reason) &&
    (sourceTopic === undefined || deadLetter.metadata.sourceTopic === sourceTopic) &&
    (sourcePartition === undefined || deadLetter.metadata.sourcePartition === sourcePartition) &&
    (since === undefined || deadLetter.writtenAt >= since) &&
    (until === undefined || deadLetter.writtenAt < until)
  );
}

/**
 * Passes the dead letters that match to `onBatch`, one fetched batch at a time; the next batch is read
 * when `onBatch` has resolved. Reads only the part of the topic that the IDs and `since` leave.
 */
export async function readDeadLetters(
  { kafka, topic, groupPrefix }: DeadLetterTopic,
  filter: DeadLetterFilter,
  onBatch: (deadLetters: readonly DeadLetter[]) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  await readTopic(
    kafka,
    topic,
    groupPrefix,
    async ({ partition, messages }) => {
      const deadLetters = messages.flatMap((message) => {
        const deadLetter = parseDeadLetter(partition, message);
        return deadLetter && matches(deadLetter, filter) ? [deadLetter] : [];
      });
      if (deadLetters.length > 0) await onBatch(deadLetters);
    },
    {
      ...(signal ? { signal } : {}),
      ...(filter.since === undefined ? {} : { since: filter.since }),
      ...(filter.ids ? { within: rangesAround(filter.ids.map(positionOf)) } : {}),
    },
  );
}

function positionOf(id: string): MessagePosition {
  const [partition = '', offset = ''] = id.split(':');
  return { partition: Number(partition), offset: BigInt(offset) };
}
