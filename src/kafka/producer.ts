import type { IHeaders, Kafka } from 'kafkajs';

export interface OutgoingMessage {
  readonly key: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: IHeaders;
}

export interface MessageProducer {
  connect(): Promise<void>;
  /** Resolves when all in-sync replicas have the messages. */
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
    async send(topic, messages) {
      await producer.send({ topic, acks: -1, messages: [...messages] });
    },
    disconnect: () => producer.disconnect(),
  };
}
