import { setMaxListeners } from 'node:events';
import { createPipeline } from '../../bridge/create-pipeline.ts';
import type { Priority } from '../../contract/priority.ts';
import { readSettings, type Environment } from '../../config/read-settings.ts';
import { BRIDGE_ROLE, type BridgeSettings } from '../../config/roles.ts';
import { valueSettingMistakes } from '../../config/value-settings.ts';
import { indexDeadLetters, type DeadLetterIndex } from '../dead-letters/dead-letter-index.ts';
import {
  createKafkaClient,
  type KafkaAdmin,
  type KafkaClient,
  type KafkaSettings,
} from '../../kafka/kafka-client.ts';
import { isKafkaError, kafkaError } from '../../kafka/kafka-error.ts';
import type { ConsumedMessage } from '../../kafka/consumer/consumed-message.ts';
import { createProducer } from '../../kafka/producer.ts';
import type { OffsetRange } from '../../kafka/offset-ranges.ts';
import { deadLetterTopicOf, requeueMarksTopicOf } from '../../kafka/source-topics.ts';
import type { TopicPartition } from '../../kafka/topic-partition.ts';
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
  readonly priority: Priority;
  /** Only reports what would be done. */
  readonly dryRun: boolean;
  readonly signal: AbortSignal;
}

/** An open replay: its settings and connections, and the function that replays one message. */
export interface Replay {
  readonly settings: BridgeSettings;
  readonly kafka: KafkaClient;
  readonly reader: MessageReader;
  /** The part of each topic that the replay covers: partition to offsets. */
  readonly ranges: TopicRanges;
  readonly replay: (source: TopicPartition, message: ConsumedMessage) => Promise<Replayed>;
  /** The dependencies that are unavailable now, each with the reason. */
  readonly waitingFor: () => Readonly<Record<string, string>>;
}

/** Topic to partition to offsets. */
export type TopicRanges = ReadonlyMap<string, ReadonlyMap<number, OffsetRange>>;

/** Which part of the topics a replay covers. Both functions may throw an OperatorError. */
export interface ReplayScope {
  readonly topics: (settings: KafkaSettings) => readonly string[];
  readonly ranges: (admin: KafkaAdmin, topic: string) => Promise<ReadonlyMap<number, OffsetRange>>;
}

/**
 * Connects to Kafka and Temporal, reads once which messages of the ranges have dead letters already, and
 * runs `work`. Throws an OperatorError when one of the servers cannot be reached.
 */
export async function withReplay<Result>(
  env: Environment,
  options: ReplayOptions,
  scope: ReplayScope,
  work: (replay: Replay) => Promise<Result>,
): Promise<Result> {
  const settings = readSettings(BRIDGE_ROLE, env, valueSettingMistakes);
  const topics = scope.topics(settings.kafka);
  const reader = await openMessageReader(settings);
  const ranges = await withFailFastAdmin(settings.kafka, async (admin) => {
    await checkTopics(admin, { ...settings.kafka, topics });
    const chosen = new Map<string, ReadonlyMap<number, OffsetRange>>();
    for (const topic of topics) chosen.set(topic, await scope.ranges(admin, topic));
    return chosen;
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
    priority: options.priority,
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
    const deadLettersOf = new Map<string, DeadLetterIndex>();
    for (const [topic, ofTopic] of ranges) {
      const deadLetterTopic = deadLetterTopicOf(settings.kafka, topic);
      const deadLetters = await indexDeadLetters(
        {
          kafka,
          topic: deadLetterTopic,
          marksTopic: requeueMarksTopicOf(deadLetterTopic),
          groupPrefix: settings.bridge.groupId,
        },
        { topic, ranges: ofTopic },
        { signal },
      );
      deadLettersOf.set(topic, deadLetters);
    }
    const parts = { pipeline, dryRun: options.dryRun, signal };
    return await work({
      settings,
      kafka,
      reader,
      ranges,
      replay: (source, message) => {
        const deadLetters = deadLettersOf.get(source.topic);
        if (!deadLetters) throw new Error(`"${source.topic}" is not part of this replay`);
        return replayMessage({ ...parts, deadLetters }, source, message);
      },
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
