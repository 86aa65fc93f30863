import kafkajs, { type Admin } from 'kafkajs';
import { OperatorError } from '../program/operator-error.ts';
import { silentLogger } from '../telemetry/logger.ts';
import {
  createKafkaClient,
  deadLetterTopicOf,
  kafkaFailed,
  type KafkaSettings,
} from './kafka-client.ts';

/** What the dead-letter headers may add to a message at the most. */
const HEADER_ROOM_BYTES = 65_536;

/**
 * Makes the orders' topic and its dead-letter topic where they are missing; answers with those made.
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
      waitForLeaders: true,
      topics: [{ topic, ...shape, configEntries }],
    });
    if (isNew) made.push(topic);
  };
  await create(settings.topic, []);
  const maxBytes = await maxMessageBytes(admin, settings.topic);
  await create(deadLetterTopicOf(settings), [
    { name: 'max.message.bytes', value: String(maxBytes + HEADER_ROOM_BYTES) },
    { name: 'retention.ms', value: '-1' },
  ]);
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

async function maxMessageBytes(admin: Admin, topic: string): Promise<number> {
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [
      {
        type: kafkajs.ConfigResourceTypes.TOPIC,
        name: topic,
        configNames: ['max.message.bytes'],
      },
    ],
  });
  return Number(resources[0]?.configEntries[0]?.configValue ?? 1_048_588);
}
