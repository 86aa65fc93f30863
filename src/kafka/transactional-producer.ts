import type { Kafka } from 'kafkajs';
import { describeError, OperatorError } from '../program/operator-error.ts';
import type { OutgoingMessage } from './producer.ts';

export interface TopicMessages {
  readonly topic: string;
  readonly messages: readonly OutgoingMessage[];
}

export interface TransactionalProducer {
  /** Also ends a transaction that a killed producer of this ID has left open. */
  connect(): Promise<void>;
  /** Writes all of them or none. Throws an OperatorError when another producer has taken over. */
  transact(sends: readonly TopicMessages[]): Promise<void>;
  disconnect(): Promise<void>;
}

/** @param transactionalId of which the broker lets one producer at a time work */
export function createTransactionalProducer(
  kafka: Kafka,
  transactionalId: string,
): TransactionalProducer {
  const producer = kafka.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
  });
  return {
    connect: () => producer.connect(),
    async transact(sends) {
      const transaction = await producer.transaction();
      try {
        await transaction.sendBatch({
          acks: -1,
          topicMessages: sends.map(({ topic, messages }) => ({ topic, messages: [...messages] })),
        });
        await transaction.commit();
      } catch (error) {
        if (transaction.isActive()) await transaction.abort().catch(() => undefined);
        if (/epoch|fenced/i.test(describeError(error))) {
          throw new OperatorError(
            'Another run has taken over, and this one has been shut out',
            'let one run at a time work; start it again when the other has ended',
            { cause: error },
          );
        }
        throw error;
      }
    },
    disconnect: () => producer.disconnect(),
  };
}
