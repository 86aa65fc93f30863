import kafkajs, { type CompressionTypes, type Kafka, type Message } from 'kafkajs';
import { errorChain } from './kafkajs-errors.ts';
import { nameMissingPermission } from './missing-permission.ts';
import { rememberingPartitioner, sendCompletely } from './patches/complete-sends.ts';
import { kafkajsHeaders } from './patches/record-headers.ts';
import type { RecordHeader } from './record-headers.ts';

export interface OutgoingMessage {
  readonly key: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: readonly RecordHeader[];
  /** Chosen by the key's hash if left out. */
  readonly partition?: number;
  /** Milliseconds since 1970 as a decimal string; the current time if left out. */
  readonly timestamp?: string;
}

export interface MessageProducer {
  connect(): Promise<void>;
  /** Resolves when all in-sync replicas have the messages. See `recordRejection` for a rejected record. */
  send(topic: string, messages: readonly OutgoingMessage[]): Promise<void>;
  disconnect(): Promise<void>;
}

/**
 * Why a broker rejects a record however often it is sent:
 * - `too-large`: it exceeds the topic's `max.message.bytes`, or the size of a log segment;
 * - `time`: its timestamp is too far from the broker's clock;
 * - `invalid`: anything else, such as a missing key on a compacted topic, or a validation rule of the
 *   broker's.
 */
export type RecordRejection = 'too-large' | 'time' | 'invalid';

/** By kafkajs's names for Kafka's error codes. */
const REJECTIONS: ReadonlyMap<unknown, RecordRejection> = new Map([
  ['MESSAGE_TOO_LARGE', 'too-large'],
  ['RECORD_LIST_TOO_LARGE', 'too-large'],
  ['INVALID_TIMESTAMP', 'time'],
  ['INVALID_RECORD', 'invalid'],
  // Before Kafka 2.4 also for a missing key. kafkajs itself retries records that were corrupted in transit.
  ['CORRUPT_MESSAGE', 'invalid'],
]);

/** Undefined for any other error, which may be transient or concern more than this record. */
export function recordRejection(error: unknown): RecordRejection | undefined {
  if (!(error instanceof Error)) return undefined;
  return ('type' in error ? REJECTIONS.get(error.type) : undefined) ?? recordRejection(error.cause);
}

/** kafkajs looks for broker -1 when the partition has no leader. */
const NO_BROKER = /Broker -1 not found/;

/** Names the topic where kafkajs's error does not: for a missing permission, and for a partition without a leader. */
export function explainSendFailure(error: unknown, topic: string): unknown {
  if (errorChain(error).some(({ message }) => NO_BROKER.test(message))) {
    return new PartitionOfflineError(topic, { cause: error });
  }
  return nameMissingPermission(error, [
    { operation: 'WRITE', resource: 'topic', name: topic },
    { operation: 'IDEMPOTENT_WRITE', resource: 'cluster', name: 'kafka-cluster' },
  ]);
}

/** A partition that the messages are for has no leader. */
export class PartitionOfflineError extends Error {
  override readonly name = 'PartitionOfflineError';

  constructor(topic: string, options?: ErrorOptions) {
    super(`a partition of "${topic}" that these messages are for has no leader`, options);
  }
}

/** Makes at most two attempts per send: its caller decides how long to keep retrying. */
export function createProducer(kafka: Kafka): MessageProducer {
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: rememberingPartitioner,
    retry: { retries: 1, maxRetryTime: 1000 },
  });
  return {
    connect: () => producer.connect(),
    send: (topic, messages) =>
      sendCompressed(messages, (compression) =>
        sendCompletely((record) => producer.send(record), {
          topic,
          acks: -1,
          compression,
          messages: messages.map(kafkajsMessage),
        }),
      ).catch((error: unknown) => {
        throw explainSendFailure(error, topic);
      }),
    disconnect: () => producer.disconnect(),
  };
}

/**
 * The broker's limit (`max.message.bytes`) is 1 MB by default and applies to the compressed size. A message
 * that was produced compressed can therefore exceed it when it is sent uncompressed.
 */
const COMPRESS_ABOVE_BYTES = 500_000;

/** Compresses large batches, and those that the broker rejects as too large without compression. */
export async function sendCompressed(
  messages: readonly OutgoingMessage[],
  send: (compression: CompressionTypes) => Promise<unknown>,
): Promise<void> {
  const { None, GZIP } = kafkajs.CompressionTypes;
  const bytes = messages.reduce((sum, message) => sum + messageBytes(message), 0);
  if (bytes <= COMPRESS_ABOVE_BYTES) {
    try {
      await send(None);
      return;
    } catch (error) {
      if (recordRejection(error) !== 'too-large') throw error;
    }
  }
  await send(GZIP);
}

/** The size of a message, without Kafka's framing. */
export const messageBytes = ({ key, value, headers = [] }: OutgoingMessage): number =>
  bytesOf(key) + bytesOf(value) + headersBytes(headers);

/** The size of all names and values together. */
export const headersBytes = (headers: readonly RecordHeader[]): number =>
  headers.reduce((sum, { name, value }) => sum + bytesOf(name) + bytesOf(value), 0);

const bytesOf = (content: Buffer | string | null): number =>
  content === null ? 0 : Buffer.byteLength(content);

export const kafkajsMessage = ({ headers, ...message }: OutgoingMessage): Message => ({
  ...message,
  ...(headers ? { headers: kafkajsHeaders(headers) } : {}),
});
