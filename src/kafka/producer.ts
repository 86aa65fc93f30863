import kafkajs, { type IHeaders, type Kafka } from 'kafkajs';

export interface OutgoingMessage {
  readonly key: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: IHeaders;
  /** By the key's hash if left out. */
  readonly partition?: number;
}

export interface MessageProducer {
  connect(): Promise<void>;
  /** Resolves when all in-sync replicas have the messages. */
  send(topic: string, messages: readonly OutgoingMessage[]): Promise<void>;
  disconnect(): Promise<void>;
}

/**
 * A message that was compressed when it came can be larger than the broker takes uncompressed, whose
 * limit (`max.message.bytes`) is 1 MB by default and counts the compressed size.
 */
const COMPRESS_ABOVE_BYTES = 500_000;

/** Tries each send twice at the most: whoever calls knows better how long to go on. */
export function createProducer(kafka: Kafka): MessageProducer {
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    retry: { retries: 1, maxRetryTime: 1000 },
  });
  return {
    connect: () => producer.connect(),
    async send(topic, messages) {
      const bytes = messages.reduce((sum, { value }) => sum + (value?.length ?? 0), 0);
      await producer.send({
        topic,
        acks: -1,
        messages: [...messages],
        ...(bytes > COMPRESS_ABOVE_BYTES ? { compression: kafkajs.CompressionTypes.GZIP } : {}),
      });
    },
    disconnect: () => producer.disconnect(),
  };
}
