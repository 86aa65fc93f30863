import type { Environment } from '../config/read-settings.ts';
import { readSettings, type Settings } from '../config/read-settings.ts';
import { RECONCILE_ROLE } from '../config/roles.ts';
import { indexDeadLetters } from '../dead-letters/dead-letter-index.ts';
import {
  createKafkaClient,
  deadLetterTopicOf,
  kafkaFailed,
  replayMarksTopicOf,
} from '../kafka/kafka-client.ts';
import { readRanges } from '../kafka/read-ranges.ts';
import { checkTopics, withAdmin } from '../kafka/topics.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import { createDatabasePool } from '../storage/database-pool.ts';
import { checkSchema } from '../storage/migrate.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { connectTemporal } from '../temporal/connect.ts';
import { temporalTarget, type TemporalTarget } from '../temporal/connection-options.ts';
import { grpcErrorOf, temporalFailed } from '../temporal/temporal-failed.ts';
import { chooseRanges, type RangeRequest } from './choose-ranges.ts';
import { judgeMessages } from './judge-messages.ts';
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
  await withAdmin(settings.kafka, (admin) => checkTopics(admin, settings.kafka));
  const target = temporalTarget(env);
  const client = await connectTemporal(target);
  const pool = createDatabasePool({
    ...settings.database,
    maxConnections: 2,
    onIdleError: () => undefined,
  });
  try {
    await checkSchema(pool);
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
  connections: {
    readonly client: Awaited<ReturnType<typeof connectTemporal>>;
    readonly pool: ReturnType<typeof createDatabasePool>;
  },
  { request, onMissing, onProgress, signal }: ReconcileOptions,
): Promise<Reconciliation> {
  const { topic } = settings.kafka;
  const { groupId, maxInputBytes } = settings.group;
  const kafka = createKafkaClient(settings.kafka, silentLogger());
  // Before the dead letters are read: each message up to here that became one is there already.
  const { ranges, committed, gone } = await withAdmin(settings.kafka, (admin) =>
    chooseRanges(admin, { groupId, topic }, request),
  );
  const place = {
    kafka,
    topic: deadLetterTopicOf(settings.kafka),
    marksTopic: replayMarksTopicOf(settings.kafka),
    groupPrefix: groupId,
  };
  const judge = {
    ...connections,
    topic,
    workflowIdPrefix: settings.temporal.workflowIdPrefix,
    deadLetters: await indexDeadLetters(place, topic),
    maxInputBytes,
    committed,
  };
  const tallies = new Map([...ranges.keys()].map((partition) => [partition, emptyTally()]));
  const offsets = [...ranges.values()].reduce((sum, { from, to }) => sum + Number(to - from), 0);
  let done = 0;
  await readRanges(
    { kafka, topic, ranges, groupPrefix: groupId, signal },
    async ({ partition, messages }) => {
      const tally = tallies.get(partition) ?? emptyTally();
      for (const verdict of await judgeMessages(judge, partition, messages)) {
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
  if (error instanceof Error && error.name.startsWith('KafkaJS')) return kafkaFailed(kafka, error);
  if (grpcErrorOf(error)) return temporalFailed(temporal, error);
  return new OperatorError(
    `The account could not be made: ${describeError(error)}`,
    'check that Postgres (DATABASE_URL) runs and that the user may read the tables, and repeat it',
    { cause: error },
  );
}
