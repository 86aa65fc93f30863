import kafkajs, { type Admin } from 'kafkajs';
import pRetry from 'p-retry';
import { OperatorError } from '../program/operator-error.ts';
import { silentLogger } from '../telemetry/logger.ts';
import {
  createKafkaClient,
  deadLetterTopicOf,
  kafkaFailed,
  replayMarksTopicOf,
  type KafkaSettings,
} from './kafka-client.ts';

/** Some ten seconds. */
const LEADER_WAIT = { retries: 7, minTimeout: 100 };

/** What the dead-letter headers may add to a message at the most. */
const HEADER_ROOM_BYTES = 65_536;

/** The `max.message.bytes` of a dead-letter topic that takes every message of its source topic. */
export const deadLetterMaxBytes = (sourceMaxBytes: number): number =>
  sourceMaxBytes + HEADER_ROOM_BYTES;

/**
 * Makes the orders' topic, its dead-letter topic and that of the replay marks where they are missing;
 * answers with those made.
 * A dead letter is a little larger than its message and is kept until someone has dealt with it, so
 * its topic takes larger messages and never deletes any.
 */
export async function createTopics(
  admin: Admin,
  settings: KafkaSettings,
  topics: { partitions: number; replicationFactor: number },
): Promise<readonly string[]> {
  const existing = await admin.listTopics();
  const shape = {
    numPartitions: topics.partitions,
    replicationFactor: topics.replicationFactor,
  };
  const made: string[] = [];
  const create = async (topic: string, configEntries: { name: string; value: string }[]) => {
    if (existing.includes(topic)) return;
    const isNew = await admin.createTopics({
      waitForLeaders: false,
      topics: [{ topic, ...shape, configEntries }],
    });
    // A busy broker needs a while to know its new topic and to lead it; kafkajs does not wait for that.
    await pRetry(() => admin.fetchTopicOffsets(topic), LEADER_WAIT);
    if (isNew) made.push(topic);
  };
  await create(settings.topic, []);
  const maxBytes = Number(
    (await topicConfig(admin, settings.topic, 'max.message.bytes')) ?? 1_048_588,
  );
  await create(deadLetterTopicOf(settings), [
    { name: 'max.message.bytes', value: String(deadLetterMaxBytes(maxBytes)) },
    { name: 'retention.ms', value: '-1' },
  ]);
  await create(replayMarksTopicOf(settings), [{ name: 'cleanup.policy', value: 'compact' }]);
  return made;
}

/** Throws an OperatorError when one of the two topics is missing. */
export async function checkTopics(admin: Admin, settings: KafkaSettings): Promise<void> {
  const existing = await admin.listTopics();
  const missing = [settings.topic, deadLetterTopicOf(settings)].filter(
    (topic) => !existing.includes(topic),
  );
  if (missing.length === 0) return;
  throw new OperatorError(
    `Kafka at ${settings.brokers.join(',')} has no topic ${missing.map((t) => `"${t}"`).join(' and no topic ')}`,
    'run `order-ingest setup --only kafka`, or correct KAFKA_TOPIC',
  );
}

/**
 * Connects, works and disconnects; for commands that somebody waits for, so it gives up soon and
 * says nothing meanwhile. A broker that cannot be reached, or refuses, becomes an
 * OperatorError.
 */
export async function withAdmin<Result>(
  settings: KafkaSettings,
  work: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const retry = { initialRetryTime: 200, retries: 2 };
  const admin = createKafkaClient(settings, silentLogger(), retry).admin();
  try {
    await admin.connect();
    return await work(admin);
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw kafkaFailed(settings, error);
  } finally {
    await admin.disconnect();
  }
}

/** A setting of a topic, as the broker has it in force. */
export async function topicConfig(
  admin: Admin,
  topic: string,
  name: string,
): Promise<string | undefined> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [
      {
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name: topic,
        configNames: [name],
      },
    ],
  });
  return resources[0]?.configEntries[0]?.configValue;
}

/**
 * By how many milliseconds a message's timestamp can be ahead of the time at which the broker has
 * appended it: 0 where the broker dates the messages itself. Undefined where nothing limits it (before
 * Kafka 4.0, unless `message.timestamp.after.max.ms` is set), and where the broker does not say.
 */
export async function maxFutureTimestamp(admin: Admin, topic: string): Promise<number | undefined> {
  try {
    const type = await topicConfig(admin, topic, 'message.timestamp.type');
    if (type === 'LogAppendTime') return 0;
    const limit = Number(await topicConfig(admin, topic, 'message.timestamp.after.max.ms'));
    return Number.isSafeInteger(limit) && limit >= 0 ? limit : undefined;
  } catch {
    // The user may lack the right to read a topic's settings.
    return undefined;
  }
}
