import { type Environment, readSettings, type Settings } from '../../config/read-settings.ts';
import { RECONCILE_ROLE } from '../../config/roles.ts';
import { valueSettingMistakes } from '../../config/value-settings.ts';
import { withFailFastAdmin } from '../../kafka/admin.ts';
import { createKafkaClient, type KafkaClient } from '../../kafka/kafka-client.ts';
import { isKafkaError, kafkaError } from '../../kafka/kafka-error.ts';
import {
  chooseTopic,
  chooseTopics,
  deadLetterTopicOf,
  requeueMarksTopicOf,
} from '../../kafka/source-topics.ts';
import { readRanges } from '../../kafka/topic-reader.ts';
import { checkTopics } from '../../kafka/topics.ts';
import type { MessageReader } from '../../order-module/message-reader.ts';
import { openMessageReader } from '../../order-module/open-message-reader.ts';
import { databaseError } from '../../postgres/database-error.ts';
import { createDatabasePool } from '../../postgres/database-pool.ts';
import { checkPrivileges, READER_PRIVILEGES } from '../../postgres/privileges.ts';
import { checkSchema } from '../../postgres/schema.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { connectTemporal, temporalTarget, type TemporalTarget } from '../../temporal/connect.ts';
import { grpcErrorOf, temporalFailed } from '../../temporal/temporal-error.ts';
import { indexDeadLetters } from '../dead-letters/dead-letter-index.ts';
import { chooseRanges, type RangeRequest } from './choose-ranges.ts';
import { classifyMessages, type ClassifyOptions } from './classify-messages.ts';
import { createOrderLookup, type OrderLookup } from './order-lookup.ts';
import { emptyTally, messagesIn, type MissingMessage, type PartitionAccount } from './outcome.ts';

export interface ReconcileOptions {
  /** All topics of `KAFKA_TOPIC` if left out, which is an error if `request` names a partition or an offset. */
  readonly topic?: string | undefined;
  readonly request: RangeRequest;
  /** @param topics all topics that are reconciled */
  readonly onMissing: (message: MissingMessage, topic: string, topics: readonly string[]) => void;
  /** Called with the messages of the topic classified so far, and the number of offsets in its ranges. */
  readonly onProgress: (topic: string, done: number, offsets: number) => void;
  /** Called when a topic is done, before the next one. */
  readonly onTopic: (result: Reconciliation) => void;
  readonly signal: AbortSignal;
}

export interface Reconciliation {
  readonly topic: string;
  readonly groupId: string;
  readonly partitions: readonly PartitionAccount[];
  /** Partition to how many offsets of the requested range are no longer in the log. */
  readonly gone: ReadonlyMap<number, bigint>;
}

/**
 * Determines the outcome of every message of the topics, or of a part of them, from Kafka, Postgres and
 * Temporal, one topic after the other. Changes nothing. Memory is bounded whatever the size of the topics.
 * Throws an OperatorError when one of the servers cannot be reached.
 */
export async function reconcile(env: Environment, options: ReconcileOptions): Promise<void> {
  const settings = readSettings(RECONCILE_ROLE, env, valueSettingMistakes);
  const { partition, from, to } = options.request;
  const isWithinTopic = [partition, from, to].some((limit) => limit !== undefined);
  const topics = isWithinTopic
    ? [chooseTopic(settings.kafka, options.topic)]
    : chooseTopics(settings.kafka, options.topic);
  const reader = await openMessageReader(settings);
  const { storage } = reader.orderModule;
  await withFailFastAdmin(settings.kafka, (admin) =>
    checkTopics(admin, { ...settings.kafka, topics }),
  );
  const target = temporalTarget(env);
  const client = await connectTemporal(target);
  const pool = createDatabasePool({
    ...settings.database,
    maxConnections: 2,
    onIdleError: () => undefined,
  });
  try {
    await checkSchema(pool, storage);
    await checkPrivileges(pool, storage, { privileges: READER_PRIVILEGES });
    const orders = createOrderLookup(client, pool, reader, {
      workflowIdPrefix: settings.temporal.workflowIdPrefix,
      workflowIdKey: settings.payload.workflowIdKey?.current(),
    });
    const kafka = createKafkaClient(settings.kafka, silentLogger());
    for (const topic of topics) {
      if (options.signal.aborted) return;
      const parts = { settings, kafka, reader, orders, topics };
      options.onTopic(await reconcileTopic(topic, parts, options));
    }
  } catch (error) {
    throw asOperatorError(settings, target, error);
  } finally {
    await pool.end();
    await client.connection.close();
  }
}

type ReconcileSettings = Settings<typeof RECONCILE_ROLE>;

interface ReconcileParts {
  readonly settings: ReconcileSettings;
  readonly kafka: KafkaClient;
  readonly reader: MessageReader;
  readonly orders: OrderLookup;
  readonly topics: readonly string[];
}

async function reconcileTopic(
  topic: string,
  { settings, kafka, reader, orders, topics }: ReconcileParts,
  { request, onMissing, onProgress, signal }: ReconcileOptions,
): Promise<Reconciliation> {
  const { groupId, maxInputBytes } = settings.group;
  const deadLetterTopic = deadLetterTopicOf(settings.kafka, topic);
  // Chosen before the dead letters are read, so that all dead letters of committed messages are found.
  const { ranges, committed, gone } = await withFailFastAdmin(settings.kafka, (admin) =>
    chooseRanges(admin, { groupId, topic }, request),
  );
  const deadLetters = await indexDeadLetters(
    {
      kafka,
      topic: deadLetterTopic,
      marksTopic: requeueMarksTopicOf(deadLetterTopic),
      groupPrefix: groupId,
    },
    { topic, ranges },
    { signal },
  );
  const classifyOptions: ClassifyOptions = {
    ...{ topic, maxInputBytes, committed, deadLetters, reader, orders },
  };
  const accounts = new Map(
    [...ranges].map(([partition, range]) => [partition, { range, tally: emptyTally() }]),
  );
  const offsets = [...ranges.values()].reduce((sum, { from, to }) => sum + Number(to - from), 0);
  let done = 0;
  await readRanges(
    { kafka, topic, ranges, groupPrefix: groupId, signal },
    async ({ partition, messages }) => {
      const account = accounts.get(partition);
      for (const classified of await classifyMessages(classifyOptions, partition, messages)) {
        if (account) account.tally[classified.outcome] += 1;
        if (classified.outcome === 'missing') onMissing(classified.missing, topic, topics);
      }
      done += messages.length;
      onProgress(topic, done, offsets);
    },
  );
  const partitions = [...accounts].map(([partition, { range, tally }]) => ({
    partition,
    ...range,
    messages: messagesIn(tally),
    ...tally,
  }));
  return { topic, groupId, partitions, gone };
}

function asOperatorError(
  { kafka }: ReconcileSettings,
  temporal: TemporalTarget,
  error: unknown,
): unknown {
  if (error instanceof OperatorError) return error;
  if (isKafkaError(error)) return kafkaError(kafka, error);
  if (grpcErrorOf(error)) return temporalFailed(temporal, error);
  return databaseError(
    'Reconciliation failed',
    error,
    'check that Postgres (DATABASE_URL) is running and that the user may read the tables, then run it again',
  );
}
