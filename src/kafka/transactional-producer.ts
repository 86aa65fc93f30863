import type { Kafka, Producer } from 'kafkajs';
import { describeError, OperatorError } from '../program/operator-error.ts';
import {
  nameMissingPermission,
  withRequiredPermissions,
  type KafkaPermission,
} from './missing-permission.ts';
import { rememberingPartitioner, sendCompletely } from './patches/complete-sends.ts';
import {
  kafkajsMessage,
  sendCompressed,
  type OutgoingMessage,
  recordRejection,
  type RecordRejection,
} from './producer.ts';

export interface TopicMessages {
  readonly topic: string;
  readonly messages: readonly OutgoingMessage[];
}

/** `rejected`: the broker rejected the main messages, and nothing has been written. */
export type TransactionResult =
  | { readonly kind: 'committed' }
  | { readonly kind: 'rejected'; readonly rejection: RecordRejection; readonly error: string };

export interface TransactionalProducer {
  /**
   * Takes over the transactional ID. Before this resolves, a transaction that a killed producer with this
   * ID left open has been aborted, and a producer that still runs has been fenced.
   */
  connect(): Promise<void>;
  /**
   * Writes all of the messages or none of them. The main messages are sent first and must all be for one
   * partition. Throws an OperatorError when another producer has taken over the transactional ID.
   */
  transact(main: TopicMessages, beside: TopicMessages): Promise<TransactionResult>;
  disconnect(): Promise<void>;
}

/** @param transactionalId the broker lets only one producer at a time use it */
export function createTransactionalProducer(
  kafka: Kafka,
  transactionalId: string,
): TransactionalProducer {
  const producer = kafka.producer({
    transactionalId,
    idempotent: true,
    maxInFlightRequests: 1,
    allowAutoTopicCreation: false,
    createPartitioner: rememberingPartitioner,
  });
  const needed = (...sends: readonly TopicMessages[]): readonly KafkaPermission[] => [
    { operation: 'WRITE', resource: 'transactional-id', name: transactionalId },
    // Implied by WRITE on any topic.
    { operation: 'IDEMPOTENT_WRITE', resource: 'cluster', name: 'kafka-cluster' },
    ...sends.map(({ topic }) => ({ operation: 'WRITE', resource: 'topic', name: topic }) as const),
  ];
  return {
    connect: () =>
      withRequiredPermissions(needed(), async () => {
        await producer.connect();
        // In kafkajs the first transaction initializes the transactional ID, not `connect`.
        const transaction = await producer.transaction();
        await transaction.abort();
      }),
    transact: (main, beside) =>
      transact(producer, main, beside).catch((error: unknown) => {
        throw isFenced(error) ? fenced(error) : nameMissingPermission(error, needed(main, beside));
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
      sendCompletely((record) => transaction.send(record), {
        topic,
        acks: -1,
        compression,
        messages: messages.map(kafkajsMessage),
      }),
    );
  try {
    try {
      await send(main);
    } catch (error) {
      const rejection = recordRejection(error);
      if (rejection === undefined) throw error;
      // kafkajs rolls back the sequence numbers of the failed request. That is correct only because the
      // request was for a single partition, which has written none of it.
      await transaction.abort();
      return { kind: 'rejected', rejection, error: describeError(error) };
    }
    await send(beside);
    await transaction.commit();
    return { kind: 'committed' };
  } catch (error) {
    if (transaction.isActive()) await transaction.abort().catch(() => undefined);
    throw error;
  }
}

/** kafkajs's names for the errors of a producer whose transactional ID another one has taken over. */
const FENCED: ReadonlySet<unknown> = new Set([
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
]);
/** `PRODUCER_FENCED`, for which kafkajs 2.2.4 has no name. */
const PRODUCER_FENCED = /error code 90$/;

const isFenced = (error: unknown): boolean =>
  error instanceof Error &&
  (('type' in error && FENCED.has(error.type)) ||
    PRODUCER_FENCED.test(error.message) ||
    isFenced(error.cause));

const fenced = (error: unknown) =>
  new OperatorError(
    'KAFKA_TRANSACTION_FENCED',
    'The broker has fenced this run: another run has taken over, or a transaction has timed out',
    'run only one at a time; once the other run has ended, start this one again: it resumes where that one stopped',
    { cause: error },
  );
