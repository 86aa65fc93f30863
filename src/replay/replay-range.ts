import { setMaxListeners } from 'node:events';
import pMap from 'p-map';
import { createBacklogLimit, createOrderHandler } from '../bridge/order-handler.ts';
import { createOutcomeCounts, type OutcomeSnapshot } from '../bridge/outcome-counts.ts';
import { StartLimit } from '../bridge/start-limit.ts';
import { isThrottled } from '../bridge/workflow-starter.ts';
import { readSettings, type Environment } from '../config/read-settings.ts';
import { BRIDGE_ROLE, type BridgeSettings } from '../config/roles.ts';
import { indexDeadLetters, type DeadLetterIndex } from '../dead-letters/dead-letter-index.ts';
import {
  createKafkaClient,
  deadLetterTopicOf,
  kafkaFailed,
  replayMarksTopicOf,
  type KafkaClient,
} from '../kafka/kafka-client.ts';
import { createProducer } from '../kafka/producer.ts';
import { readRanges, type OffsetRange } from '../kafka/read-ranges.ts';
import { checkTopics, withAdmin } from '../kafka/topics.ts';
import { OperatorError } from '../program/operator-error.ts';
import { silentLogger } from '../telemetry/logger.ts';
import { createReadiness, type Readiness } from '../telemetry/readiness.ts';
import { connectTemporal } from '../temporal/connect.ts';
import { temporalTarget } from '../temporal/connection-options.ts';
import { checkSearchAttributes } from '../temporal/search-attributes.ts';
import { temporalFailed } from '../temporal/temporal-failed.ts';

export interface ReplayRangeOptions {
  readonly partition: number;
  readonly range: OffsetRange;
  /** Also orders whose workflow has completed, for rows that were lost from the database. */
  readonly completed: boolean;
  /** Only count what is there. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
  /** @param waitingFor what does not answer just now, with the reason */
  readonly onProgress: (handled: number, waitingFor: Readonly<Record<string, string>>) => void;
}

export interface RangeReplay extends OutcomeSnapshot {
  /** Messages that have a dead letter already and got no second one. */
  readonly deadLettersBefore: number;
}

const PROGRESS_INTERVAL_MS = 500;

/**
 * Hands old messages to Temporal again, by the bridge's own code and without touching the group's
 * offsets. Safe to repeat: a start that was done is answered with its run, another message of the
 * same order is a duplicate, and no dead letter is written twice.
 */
export async function replayRange(
  env: Environment,
  options: ReplayRangeOptions,
): Promise<RangeReplay> {
  const settings = readSettings(BRIDGE_ROLE, env);
  await withAdmin(settings.kafka, async (admin) => {
    await checkTopics(admin, settings.kafka);
    checkRange(await admin.fetchTopicOffsets(settings.kafka.topic), settings, options);
  });
  const target = temporalTarget(env);
  const client = await connectTemporal(target);
  const kafka = createKafkaClient(settings.kafka, silentLogger());
  const producer = createProducer(kafka);
  const readiness = createReadiness();
  const backlogLimit = createBacklogLimit(settings, client);
  readiness.ask('open orders', () => backlogLimit.reason());
  try {
    await checkSearchAttributes(client).catch((error: unknown) => {
      throw temporalFailed(target, error);
    });
    await producer.connect();
    const handleMessage = createOrderHandler(settings, {
      identity: 'order-ingest-replay',
      client,
      producer,
      logger: silentLogger(),
      readiness,
      startLimit: new StartLimit(settings.bridge.maxConcurrentStarts, isThrottled),
      backlogLimit,
      onAnswer: () => undefined,
      ...(options.completed ? { rerunCompleted: `replay-${Date.now()}` } : {}),
    });
    return await replayMessages(settings, { kafka, handleMessage, readiness }, options);
  } catch (error) {
    if (error instanceof Error && error.name.startsWith('KafkaJS')) {
      throw kafkaFailed(settings.kafka, error);
    }
    throw error;
  } finally {
    backlogLimit.dispose();
    await producer.disconnect();
    await client.connection.close();
  }
}

async function replayMessages(
  settings: BridgeSettings,
  parts: {
    readonly kafka: KafkaClient;
    readonly handleMessage: ReturnType<typeof createOrderHandler>;
    readonly readiness: Readiness;
  },
  options: ReplayRangeOptions,
): Promise<RangeReplay> {
  const { kafka, handleMessage, readiness } = parts;
  const { partition, range, dryRun, signal, onProgress } = options;
  const { topic } = settings.kafka;
  const groupPrefix = settings.bridge.groupId;
  const deadLetters: DeadLetterIndex = await indexDeadLetters(
    {
      kafka,
      topic: deadLetterTopicOf(settings.kafka),
      marksTopic: replayMarksTopicOf(settings.kafka),
      groupPrefix,
    },
    topic,
  );
  const counts = createOutcomeCounts();
  let deadLettersBefore = 0;
  let handled = 0;
  // Each message in flight listens.
  setMaxListeners(0, signal);
  const progress = setInterval(() => {
    onProgress(handled, readiness.reasons());
  }, PROGRESS_INTERVAL_MS);
  try {
    await readRanges(
      { kafka, topic, ranges: new Map([[partition, range]]), groupPrefix, signal },
      ({ messages }) =>
        pMap(
          messages,
          async (message) => {
            if (signal.aborted) return;
            counts.read();
            if (deadLetters.has(partition, BigInt(message.offset))) deadLettersBefore += 1;
            else if (!dryRun) {
              counts.finished(await handleMessage(message, { topic, partition }, signal));
            }
            handled += 1;
          },
          { concurrency: settings.bridge.maxConcurrentStarts },
        ).then(() => undefined),
    );
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    clearInterval(progress);
  }
  return { ...counts.snapshot(), read: handled, deadLettersBefore };
}

function checkRange(
  ends: readonly { partition: number; low: string; high: string }[],
  { kafka: { topic } }: BridgeSettings,
  { partition, range }: ReplayRangeOptions,
): void {
  const end = ends.find((candidate) => candidate.partition === partition);
  if (!end) {
    throw new OperatorError(
      `"${topic}" has no partition ${partition}`,
      `give one from 0 to ${ends.length - 1}`,
    );
  }
  if (range.from < BigInt(end.low) || range.to > BigInt(end.high)) {
    throw new OperatorError(
      `Partition ${partition} of "${topic}" has the offsets from ${end.low} up to ${end.high} (not included)`,
      'give --from and --to within them: older messages have been deleted from the topic',
    );
  }
  if (range.from >= range.to) {
    throw new OperatorError('The range is empty', 'give a --to that is larger than --from');
  }
}
