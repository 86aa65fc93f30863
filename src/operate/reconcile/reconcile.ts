import type { Client } from '@temporalio/client';
import { type Environment, readSettings, type Settings } from '../../config/read-settings.ts';
import { RECONCILE_ROLE } from '../../config/roles.ts';
import { hasSameContent } from '../../order/identify.ts';
import { translateMessage } from '../../order/translate-message.ts';
import { indexDeadLetters } from '../dead-letters/dead-letter-index.ts';
import {
  createKafkaClient,
  deadLetterTopicOf,
  replayMarksTopicOf,
} from '../../kafka/kafka-client.ts';
import { isKafkaError, kafkaFailed } from '../../kafka/kafka-failed.ts';
import { readRanges } from '../../kafka/topic-reader.ts';
import { checkTopics } from '../../kafka/topics.ts';
import { withFailFastAdmin } from '../../kafka/admin.ts';
import { OperatorError } from '../../program/operator-error.ts';
import { checkRights } from '../../postgres/rights.ts';
import { databaseError } from '../../postgres/database-error.ts';
import { createDatabasePool } from '../../postgres/database-pool.ts';
import { compareWithStored, findStoredOrders } from '../../order/sql/find-orders.ts';
import { ORDER_SCHEMA } from '../../order/sql/schema.ts';
import { checkSchema } from '../../postgres/schema.ts';
import type { StatementPool } from '../../postgres/statements.ts';
import { isDatabaseError, isRejection } from '../../postgres/sql-state.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { connectTemporal, temporalTarget, type TemporalTarget } from '../../temporal/connect.ts';
import { describeOrder } from '../../temporal/order-workflow.ts';
import { messageOf, readRunStart } from '../../temporal/run-start.ts';
import { grpcErrorOf, temporalFailed } from '../../temporal/temporal-error.ts';
import { chooseRanges, type RangeRequest } from './choose-ranges.ts';
import { classifyMessages, type ClassifyOptions } from './classify-messages.ts';
import { OUTCOMES, type MissingMessage, type Outcome, type PartitionAccount } from './outcome.ts';

export interface ReconcileOptions {
  readonly request: RangeRequest;
  readonly onMissing: (message: MissingMessage) => void;
  readonly onProgress: (done: number, offsets: number) => void;
  readonly signal: AbortSignal;
}

export interface Reconciliation {
  readonly topic: string;
  readonly groupId: string;
  readonly partitions: readonly PartitionAccount[];
  /** Partition to how many offsets of the range are no longer in the log. */
  readonly gone: ReadonlyMap<number, bigint>;
}

/**
 * Accounts for every message of a topic, or of a part of it: by Kafka, Postgres and Temporal as they
 * are, and without changing anything. Memory is bounded, whatever the size of the topic. Throws an
 * OperatorError when one of the servers cannot be reached.
 */
export async function reconcile(
  env: Environment,
  options: ReconcileOptions,
): Promise<Reconciliation> {
  const settings = readSettings(RECONCILE_ROLE, env);
  await withFailFastAdmin(settings.kafka, (admin) => checkTopics(admin, settings.kafka));
  const target = temporalTarget(env);
  const client = await connectTemporal(target);
  const pool = createDatabasePool({
    ...settings.database,
    maxConnections: 2,
    onIdleError: () => undefined,
  });
  try {
    await checkSchema(pool, ORDER_SCHEMA);
    await checkRights(pool, ORDER_SCHEMA.tables, ['SELECT']);
    return await accountForAll(settings, { client, pool }, options);
  } catch (error) {
    throw asOperatorError(settings, target, error);
  } finally {
    await pool.end();
    await client.connection.close();
  }
}

type ReconcileSettings = Settings<typeof RECONCILE_ROLE>;

async function accountForAll(
  settings: ReconcileSettings,
  {
    client,
    pool,
  }: {
    readonly client: Client;
    readonly pool: StatementPool;
  },
  { request, onMissing, onProgress, signal }: ReconcileOptions,
): Promise<Reconciliation> {
  const { topic } = settings.kafka;
  const { groupId, maxInputBytes } = settings.group;
  const kafka = createKafkaClient(settings.kafka, silentLogger());
  // Before the dead letters are read: each message up to here that became one is there already.
  const { ranges, committed, gone } = await withFailFastAdmin(settings.kafka, (admin) =>
    chooseRanges(admin, { groupId, topic }, request),
  );
  const place = {
    kafka,
    topic: deadLetterTopicOf(settings.kafka),
    marksTopic: replayMarksTopicOf(settings.kafka),
    groupPrefix: groupId,
  };
  const judge: ClassifyOptions = {
    topic,
    maxInputBytes,
    committed,
    deadLetters: await indexDeadLetters(place, { topic, ranges }, { signal }),
    ...ordersIn(client, pool, settings.temporal.workflowIdPrefix),
  };
  const tallies = new Map([...ranges.keys()].map((partition) => [partition, emptyTally()]));
  const offsets = [...ranges.values()].reduce((sum, { from, to }) => sum + Number(to - from), 0);
  let done = 0;
  await readRanges(
    { kafka, topic, ranges, groupPrefix: groupId, signal },
    async ({ partition, messages }) => {
      const tally = tallies.get(partition) ?? emptyTally();
      for (const verdict of await classifyMessages(judge, partition, messages)) {
        tally[verdict.outcome] += 1;
        if (verdict.outcome === 'missing') onMissing(verdict.missing);
      }
      done += messages.length;
      onProgress(done, offsets);
    },
  );
  const partitions = [...ranges].map(([partition, range]) => {
    const tally = tallies.get(partition) ?? emptyTally();
    const messages = OUTCOMES.reduce((sum, outcome) => sum + tally[outcome], 0);
    return { partition, ...range, messages, ...tally };
  });
  return { topic, groupId, partitions, gone };
}

/** Asks Postgres for rows and Temporal for workflows. */
export function ordersIn(
  client: Client,
  pool: StatementPool,
  workflowIdPrefix: string,
): Pick<ClassifyOptions, 'findRows' | 'hasValuesOf' | 'findWorkflow' | 'isAbout'> {
  return {
    findRows: (orderIds) => findStoredOrders(pool, orderIds),
    hasValuesOf: async ({ text }) => {
      const translation = translateMessage(text);
      if (translation.kind !== 'translated') return false;
      try {
        return (await compareWithStored(pool, translation.order))?.has_same_values ?? false;
      } catch (error) {
        // No row has values that Postgres cannot hold, such as a NUL character.
        if (isDatabaseError(error) && isRejection(error)) return false;
        throw error;
      }
    },
    findWorkflow: (orderId) => describeOrder({ client, workflowIdPrefix }, orderId),
    isAbout: (workflow, order) =>
      hasSameContent(
        workflow.fingerprints,
        order,
        async () => messageOf(await readRunStart(client, workflow))?.text,
      ),
  };
}

const emptyTally = (): Record<Outcome, number> => ({
  stored: 0,
  duplicate: 0,
  'in-progress': 0,
  failed: 0,
  'dead-lettered': 0,
  missing: 0,
});

function asOperatorError(
  { kafka }: ReconcileSettings,
  temporal: TemporalTarget,
  error: unknown,
): unknown {
  if (error instanceof OperatorError) return error;
  if (isKafkaError(error)) return kafkaFailed(kafka, error);
  if (grpcErrorOf(error)) return temporalFailed(temporal, error);
  return databaseError(
    'The account could not be made',
    error,
    'check that Postgres (DATABASE_URL) runs and that the user may read the tables, and repeat it',
  );
}
