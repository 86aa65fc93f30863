import kafkajs, { type Admin } from 'kafkajs';
import pRetry from 'p-retry';
import { OperatorError } from '../program/operator-error.ts';
import type { KafkaSettings } from './kafka-client.ts';
import { deadLetterTopicOf, quoted, requeueMarksTopicOf } from './source-topics.ts';
import { withRequiredPermissions } from './missing-permission.ts';
import { fetchAllTopicEnds, topicExists } from './topic-partitions.ts';
import { whileStarting, type WaitForKafka } from './while-starting.ts';

/** About 13 s in all. */
const LEADER_WAIT = { retries: 7, minTimeout: 100 };

/** The most that the dead-letter headers add to a message. */
const DEAD_LETTER_HEADERS_MAX_BYTES = 65_536;

/** The `max.message.bytes` that a dead-letter topic needs to hold every message of its source topic. */
export const deadLetterMaxBytes = (sourceMaxBytes: number): number =>
  sourceMaxBytes + DEAD_LETTER_HEADERS_MAX_BYTES;

/**
 * Creates the topics of the orders, and for each its dead-letter topic and the topic of the requeue marks, where
 * they are missing.
 *
 * A dead letter is slightly larger than its message and is kept until an operator deals with it, so the
 * dead-letter topic accepts larger messages and has no retention limit.
 *
 * @param onCreated called with the name of each topic that it has created. If it fails and is repeated, the
 *   topics that exist by then are not reported again.
 * @param wait how to wait for a cluster that is starting, whose controller may not be elected yet
 */
export async function createTopics(
  admin: Admin,
  settings: Omit<SourceTopics, 'brokers'>,
  shapeOfNew: { partitions: number; replicationFactor: number },
  onCreated: (topic: string) => void = () => undefined,
  wait?: WaitForKafka,
): Promise<void> {
  const shape = {
    numPartitions: shapeOfNew.partitions,
    replicationFactor: shapeOfNew.replicationFactor,
  };
  const create = async (topic: string, configEntries: { name: string; value: string }[]) => {
    if (await topicExists(admin, topic)) return;
    const isNew = await withRequiredPermissions(
      [{ operation: 'CREATE', resource: 'topic', name: topic }],
      () =>
        admin.createTopics({
          waitForLeaders: false,
          topics: [{ topic, ...shape, configEntries }],
        }),
    );
    if (isNew) onCreated(topic);
    // A busy broker takes a while to lead the new partitions; kafkajs does not wait for it.
    await pRetry(() => fetchAllTopicEnds(admin, topic), LEADER_WAIT);
  };
  /** By dead-letter topic: what its largest source topic accepts. */
  const largest = new Map<string, number>();
  for (const topic of settings.topics) {
    await whileStarting(() => create(topic, []), wait);
    const maxBytes = Number(
      (await whileStarting(() => topicConfig(admin, topic, 'max.message.bytes'), wait)) ??
        1_048_588,
    );
    const deadLetterTopic = deadLetterTopicOf(settings, topic);
    largest.set(deadLetterTopic, Math.max(maxBytes, largest.get(deadLetterTopic) ?? 0));
  }
  for (const [deadLetterTopic, maxBytes] of largest) {
    await whileStarting(
      () =>
        create(deadLetterTopic, [
          { name: 'max.message.bytes', value: String(deadLetterMaxBytes(maxBytes)) },
          { name: 'retention.ms', value: '-1' },
        ]),
      wait,
    );
    await whileStarting(
      () =>
        create(requeueMarksTopicOf(deadLetterTopic), [
          { name: 'cleanup.policy', value: 'compact' },
        ]),
      wait,
    );
  }
}

/** The topics of the orders, and where their dead letters go. */
type SourceTopics = Pick<KafkaSettings, 'brokers' | 'deadLetterTopic'> & {
  readonly topics: readonly string[];
};

/** Throws an OperatorError when a topic of the orders or its dead-letter topic is missing. */
export const checkTopics = (
  admin: Pick<Admin, 'fetchTopicMetadata'>,
  settings: SourceTopics,
): Promise<void> =>
  checkTopicsExist(admin, settings, [
    ...new Set(settings.topics.flatMap((topic) => [topic, deadLetterTopicOf(settings, topic)])),
  ]);

/**
 * The topics of the orders that exist. Throws an OperatorError when none does, and when one that exists has no
 * dead-letter topic.
 */
export async function existingTopics(
  admin: Pick<Admin, 'fetchTopicMetadata'>,
  settings: SourceTopics,
): Promise<readonly string[]> {
  const existing: string[] = [];
  for (const topic of settings.topics) if (await topicExists(admin, topic)) existing.push(topic);
  await checkTopics(admin, {
    ...settings,
    topics: existing.length > 0 ? existing : settings.topics,
  });
  return existing;
}

/** Throws an OperatorError when one of these topics is missing. */
export async function checkTopicsExist(
  admin: Pick<Admin, 'fetchTopicMetadata'>,
  { brokers }: Pick<KafkaSettings, 'brokers'>,
  topics: readonly string[],
): Promise<void> {
  const missing: string[] = [];
  for (const topic of topics) if (!(await topicExists(admin, topic))) missing.push(topic);
  if (missing.length === 0) return;
  throw new OperatorError(
    'KAFKA_TOPIC_MISSING',
    `Kafka at ${brokers.join(',')} has no topic ${missing.map((topic) => quoted([topic])).join(' and no topic ')}`,
    'run `order-ingest setup --only kafka`, or correct KAFKA_TOPIC',
  );
}

/** The effective value of a topic's configuration. Throws a MissingPermissionError without the permission to read it. */
export async function topicConfig(
  admin: Admin,
  topic: string,
  name: string,
): Promise<string | undefined> {
  const { resources } = await withRequiredPermissions(
    [{ operation: 'DESCRIBE_CONFIGS', resource: 'topic', name: topic }],
    () =>
      admin.describeConfigs({
        includeSynonyms: false,
        resources: [
          {
            type: kafkajs.ConfigResourceTypes.TOPIC,
            name: topic,
            configNames: [name],
          },
        ],
      }),
  );
  return resources[0]?.configEntries[0]?.configValue;
}

/**
 * By how many milliseconds a message's timestamp can be ahead of the broker's clock: 0 where the broker
 * sets the timestamps itself. Undefined where there is no limit (before Kafka 4.0, unless
 * `message.timestamp.after.max.ms` is set), and where the topic's configuration cannot be read.
 */
export async function maxFutureTimestamp(admin: Admin, topic: string): Promise<number | undefined> {
  try {
    const type = await topicConfig(admin, topic, 'message.timestamp.type');
    if (type === 'LogAppendTime') return 0;
    const limit = Number(await topicConfig(admin, topic, 'message.timestamp.after.max.ms'));
    return Number.isSafeInteger(limit) && limit >= 0 ? limit : undefined;
  } catch {
    return undefined;
  }
}
