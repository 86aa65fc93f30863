import type { Kafka, Producer } from 'kafkajs';
import { describeError, OperatorError } from '../program/operator-error.ts';
import { nameMissingRight, withRequiredRights, type KafkaRight } from './missing-right.ts';
import {
  kafkajsMessage,
  sendCompressed,
  type OutgoingMessage,
  recordRefusal,
  type RecordRefusal,
} from './producer.ts';

export interface TopicMessages {
  readonly topic: string;
  readonly messages: readonly OutgoingMessage[];
}

/** Refused: the broker does not take the main messages, and nothing has been written. */
export type TransactionResult =
  | { readonly kind: 'committed' }
  | { readonly kind: 'refused'; readonly refusal: RecordRefusal; readonly error: string };

export interface TransactionalProducer {
  /**
   * Takes over the transactional ID: what a killed producer of this ID has left open is aborted, and
   * one that still runs is fenced, before this resolves.
   */
  connect(): Promise<void>;
  /**
   * Writes all of them or none, first the main messages, which have to be of one partition. Throws an
   * OperatorError when another producer has taken over.
   */
  transact(main: TopicMessages, beside: TopicMessages): Promise<TransactionResult>;
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
  const needed = (...sends: readonly TopicMessages[]): readonly KafkaRight[] => [
    { operation: 'WRITE', resource: 'transactional-id', name: transactionalId },
    // Also given by WRITE on any topic.
    { operation: 'IDEMPOTENT_WRITE', resource: 'cluster', name: 'kafka-cluster' },
    ...sends.map(({ topic }) => ({ operation: 'WRITE', resource: 'topic', name: topic }) as const),
  ];
  return {
    connect: () =>
      withRequiredRights(needed(), async () => {
        await producer.connect();
        // `connect` alone does not initialize a transactional ID in kafkajs; the first transaction does.
        const transaction = await producer.transaction();
        await transaction.abort();
      }),
    transact: (main, beside) =>
      transact(producer, main, beside).catch((error: unknown) => {
        throw isFenced(error) ? fenced(error) : nameMissingRight(error, needed(main, beside));
      }),
    disconnect: () => producer.disconnect(),
  };
}

async function transact(
  producer: Producer,
  main: TopicMessages,
  beside: TopicMessages,
): Promise<TransactionResult> {
  const transaction = await producer.transaction();
  const send = ({ topic, messages }: TopicMessages) =>
    sendCompressed(messages, (compression) =>
      transaction.send({ topic, acks: -1, compression, messages: messages.map(kafkajsMessage) }),
    );
  try {
    try {
      await send(main);
    } catch (error) {
      const refusal = recordRefusal(error);
      if (refusal === undefined) throw error;
      // kafkajs takes back the sequence numbers of a request that failed. That is right here alone,
      // where it was for one partition, which has nothing of it.
      await transaction.abort();
      return { kind: 'refused', refusal, error: describeError(error) };
    }
    await send(beside);
    await transaction.commit();
    return { kind: 'committed' };
  } catch (error) {
    if (transaction.isActive()) await transaction.abort().catch(() => undefined);
    throw error;
  }
}

/** kafkajs's names of the errors that a producer gets when another one has its transactional ID. */
const FENCED: ReadonlySet<unknown> = new Set([
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
]);
/** `PRODUCER_FENCED`, a code that kafkajs 2.2.4 has no name for. */
const PRODUCER_FENCED = /error code 90$/;

const isFenced = (error: unknown): boolean =>
  error instanceof Error &&
  (('type' in error && FENCED.has(error.type)) ||
    PRODUCER_FENCED.test(error.message) ||
    isFenced(error.cause));

const fenced = (error: unknown) =>
  new OperatorError(
    'KAFKA_TRANSACTION_FENCED',
    'This run has been fenced: another one has taken over, or a transaction took longer than the broker allows',
    'run one at a time, and start it again when the other has ended: it continues where that one stopped',
    { cause: error },
  );
