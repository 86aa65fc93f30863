import kafkajs, { type CompressionTypes, type Kafka, type Message } from 'kafkajs';
import { kafkajsHeaders, type RecordHeader } from './record-headers.ts';
import { recordRefusal } from './record-refusal.ts';

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

/** Tries each send twice at the most: whoever calls knows better how long to go on. */
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
      ),
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
