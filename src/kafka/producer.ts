import kafkajs, { type CompressionTypes, type Kafka, type Message } from 'kafkajs';
import { errorChain } from './kafka-errors.ts';
import { nameMissingRight } from './missing-right.ts';
import { kafkajsHeaders } from './patches/record-headers.ts';
import type { RecordHeader } from './record-headers.ts';

export interface OutgoingMessage {
  readonly key: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: readonly RecordHeader[];
  /** By the key's hash if left out. */
  readonly partition?: number;
  /** Milliseconds since 1970, in digits; the present if left out. */
  readonly timestamp?: string;
}

export interface MessageProducer {
  connect(): Promise<void>;
  /** Resolves when all in-sync replicas have the messages. For what it throws see `recordRefusal`. */
  send(topic: string, messages: readonly OutgoingMessage[]): Promise<void>;
  disconnect(): Promise<void>;
}

/**
 * What a broker refuses a record for, each time it is sent as it is:
 * - `too-large`: more than the topic's `max.message.bytes`, or than a log segment;
 * - `time`: its time is too far from the broker's clock;
 * - `invalid`: anything else about it, such as a missing key on a compacted topic, or what a rule of
 *   the broker's own forbids.
 */
export type RecordRefusal = 'too-large' | 'time' | 'invalid';

/** By kafkajs's names of Kafka's error codes. */
const REFUSALS: ReadonlyMap<unknown, RecordRefusal> = new Map([
  ['MESSAGE_TOO_LARGE', 'too-large'],
  ['RECORD_LIST_TOO_LARGE', 'too-large'],
  ['INVALID_TIMESTAMP', 'time'],
  ['INVALID_RECORD', 'invalid'],
  // Before Kafka 2.4 for a missing key too. kafkajs sends again what was damaged on the way.
  ['CORRUPT_MESSAGE', 'invalid'],
]);

/** Undefined for any other error: it may pass, or is about more than this record. */
export function recordRefusal(error: unknown): RecordRefusal | undefined {
  if (!(error instanceof Error)) return undefined;
  return ('type' in error ? REFUSALS.get(error.type) : undefined) ?? recordRefusal(error.cause);
}

/** A broker that kafkajs looks for when the partition has no leader. */
const NO_BROKER = /Broker -1 not found/;

/** The error with what the topic is, where kafkajs does not say: a missing right, or no leader. */
export function explainSendFailure(error: unknown, topic: string): unknown {
  if (errorChain(error).some(({ message }) => NO_BROKER.test(message))) {
    return new PartitionOfflineError(topic, { cause: error });
  }
  return nameMissingRight(error, [
    { operation: 'WRITE', resource: 'topic', name: topic },
    { operation: 'IDEMPOTENT_WRITE', resource: 'cluster', name: 'kafka-cluster' },
  ]);
}

/** The messages go to a partition that has no leader. */
export class PartitionOfflineError extends Error {
  override readonly name = 'PartitionOfflineError';

  constructor(topic: string, options?: ErrorOptions) {
    super(`a partition of "${topic}" that these messages go to has no leader`, options);
  }
}

/** Tries each send twice at most: the caller knows better how long to continue. */
export function createProducer(kafka: Kafka): MessageProducer {
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    retry: { retries: 1, maxRetryTime: 1000 },
  });
  return {
    connect: () => producer.connect(),
    send: (topic, messages) =>
      sendCompressed(messages, (compression) =>
        producer.send({ topic, acks: -1, compression, messages: messages.map(kafkajsMessage) }),
      ).catch((error: unknown) => {
        throw explainSendFailure(error, topic);
      }),
    disconnect: () => producer.disconnect(),
  };
}

/**
 * The broker's limit (`max.message.bytes`) is 1 MB by default and counts the compressed size: a message
 * that was compressed when it came can be larger than it takes uncompressed.
 */
const COMPRESS_ABOVE_BYTES = 500_000;

/** Sends compressed what is large, and what the broker takes only if it is compressed. */
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
      if (recordRefusal(error) !== 'too-large') throw error;
    }
  }
  await send(GZIP);
}

/** The size of a message without Kafka's framing. */
export const messageBytes = ({ key, value, headers = [] }: OutgoingMessage): number =>
  bytesOf(key) + bytesOf(value) + headersBytes(headers);

/** The size of names and values together. */
export const headersBytes = (headers: readonly RecordHeader[]): number =>
  headers.reduce((sum, { name, value }) => sum + bytesOf(name) + bytesOf(value), 0);

const bytesOf = (content: Buffer | string | null): number =>
  content === null ? 0 : Buffer.byteLength(content);

export const kafkajsMessage = ({ headers, ...message }: OutgoingMessage): Message => ({
  ...message,
  ...(headers ? { headers: kafkajsHeaders(headers) } : {}),
});
