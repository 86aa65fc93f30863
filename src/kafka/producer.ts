import type { IHeaders, Kafka, Producer } from 'kafkajs';

export interface OutgoingMessage {
  readonly key: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers?: IHeaders;
}

/**
 * A producer that waits for all in-sync replicas. It tries each send once: whoever calls knows
 * better how long to go on.
 */
export const createProducer = (kafka: Kafka): Producer =>
  kafka.producer({ allowAutoTopicCreation: false, retry: { retries: 1, maxRetryTime: 1000 } });

export async function sendMessages(
  producer: Producer,
  topic: string,
  messages: readonly OutgoingMessage[],
): Promise<void> {
  await producer.send({ topic, acks: -1, messages: messages.map((message) => ({ ...message })) });
}
