import { setMaxListeners } from 'node:events';
import { createPipeline } from '../../bridge/create-pipeline.ts';
import { readSettings, type Environment } from '../../config/read-settings.ts';
import { BRIDGE_ROLE, type BridgeSettings } from '../../config/roles.ts';
import { indexDeadLetters } from '../dead-letters/dead-letter-index.ts';
import {
  createKafkaClient,
  deadLetterTopicOf,
  requeueMarksTopicOf,
  type KafkaAdmin,
  type KafkaClient,
} from '../../kafka/kafka-client.ts';
import { isKafkaError, kafkaError } from '../../kafka/kafka-error.ts';
import type { ConsumedMessage } from '../../kafka/consumer/consumed-message.ts';
import { createProducer } from '../../kafka/producer.ts';
import type { OffsetRange } from '../../kafka/offset-ranges.ts';
import { checkTopics } from '../../kafka/topics.ts';
import { withFailFastAdmin } from '../../kafka/admin.ts';
import type { MessageReader } from '../../order-module/message-reader.ts';
import { openMessageReader } from '../../order-module/open-message-reader.ts';
import { silentLogger } from '../../telemetry/logger.ts';
import { createHealth } from '../../telemetry/health/health.ts';
import { connectTemporal, temporalTarget } from '../../temporal/connect.ts';
import { checkSearchAttributes } from '../../temporal/search-attributes.ts';
import { temporalFailed } from '../../temporal/temporal-error.ts';
import { replayMessage, type Replayed } from './replay-message.ts';

export interface ReplayOptions {
  /** Also re-runs orders whose workflow has completed, to restore rows that were lost from the database. */
  readonly completed: boolean;
  /** Only reports what would be done. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** An open replay: its settings and connections, and the function that replays one message. */
export interface Replay {
  readonly settings: BridgeSettings;
  readonly kafka: KafkaClient;
  readonly reader: MessageReader;
  /** The part of the topic that the replay covers: partition to offsets. */
  readonly ranges: ReadonlyMap<number, OffsetRange>;
  readonly replay: (partition: number, message: ConsumedMessage) => Promise<Replayed>;
  /** The dependencies that are unavailable now, each with the reason. */
  readonly waitingFor: () => Readonly<Record<string, string>>;
}

/**
 * Connects to Kafka and Temporal, reads once which messages of the ranges have dead letters already, and
 * runs `work`. Throws an OperatorError when one of the servers cannot be reached.
 *
 * @param chooseRanges chooses the part of the topic that the replay covers, or throws an OperatorError
 */
export async function withReplay<Result>(
  env: Environment,
  options: ReplayOptions,
  chooseRanges: (
    admin: KafkaAdmin,
    settings: BridgeSettings,
  ) => Promise<ReadonlyMap<number, OffsetRange>>,
  work: (replay: Replay) => Promise<Result>,
): Promise<Result> {
  const settings = readSettings(BRIDGE_ROLE, env);
  const reader = await openMessageReader(settings);
  const { topic } = settings.kafka;
  const ranges = await withFailFastAdmin(settings.kafka, async (admin) => {
    await checkTopics(admin, settings.kafka);
    return chooseRanges(admin, settings);
  });
  const target = temporalTarget(env);
  const client = await connectTemporal(target);
  const kafka = createKafkaClient(settings.kafka, silentLogger());
  const producer = createProducer(kafka);
  const { readiness } = createHealth();
  const pipeline = createPipeline(settings, {
    client,
    producer,
    reader,
    identity: 'order-ingest-replay',
    logger: silentLogger(),
    readiness,
    replayId: options.completed ? `replay-${Date.now()}` : undefined,
  });
  readiness.check('open orders', () => pipeline.backlogLimit.reason());
  const { signal } = options;
  // Each message in flight adds a listener.
  setMaxListeners(0, signal);
  try {
    await checkSearchAttributes(client).catch((error: unknown) => {
      throw temporalFailed(target, error);
    });
    await producer.connect();
    const deadLetters = await indexDeadLetters(
      {
        kafka,
        topic: deadLetterTopicOf(settings.kafka),
        marksTopic: requeueMarksTopicOf(settings.kafka),
        groupPrefix: settings.bridge.groupId,
      },
      { topic, ranges },
      { signal },
    );
    const parts = { deadLetters, pipeline, dryRun: options.dryRun, signal };
    return await work({
      settings,
      kafka,
      reader,
      ranges,
      replay: (partition, message) => replayMessage(parts, { topic, partition }, message),
      waitingFor: () => readiness.reasons(),
    });
  } catch (error) {
    throw isKafkaError(error) ? kafkaError(settings.kafka, error) : error;
  } finally {
    await pipeline.stop();
    await producer.disconnect();
    await client.connection.close();
  }
}
