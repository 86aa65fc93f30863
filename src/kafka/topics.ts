import kafkajs, { type Admin } from 'kafkajs';
import pRetry from 'p-retry';
import { OperatorError } from '../program/operator-error.ts';
import { deadLetterTopicOf, replayMarksTopicOf, type KafkaSettings } from './kafka-client.ts';
import { withRequiredRights } from './missing-right.ts';
import { fetchAllTopicEnds, topicExists } from './topic-partitions.ts';
import { whileStarting, type WaitForKafka } from './while-starting.ts';

/** Some ten seconds. */
const LEADER_WAIT = { retries: 7, minTimeout: 100 };

/** What the dead-letter headers may add to a message at the most. */
const HEADER_ROOM_BYTES = 65_536;

/** The `max.message.bytes` of a dead-letter topic that takes every message of its source topic. */
export const deadLetterMaxBytes = (sourceMaxBytes: number): number =>
  sourceMaxBytes + HEADER_ROOM_BYTES;

/**
 * Creates the topic of the orders, its dead-letter topic and the topic of the replay marks where they are
 * missing, and returns the names of those it has created.
 * A dead letter is a little larger than its message and is kept until someone has dealt with it, so
 * its topic takes larger messages and never deletes any.
 *
 * @param wait how long to wait for a cluster that is starting: its controller may not be elected yet
 */
export async function createTopics(
  admin: Admin,
  settings: KafkaSettings,
  topics: { partitions: number; replicationFactor: number },
  wait?: WaitForKafka,
): Promise<readonly string[]> {
  const shape = {
    numPartitions: topics.partitions,
    replicationFactor: topics.replicationFactor,
  };
  const created: string[] = [];
  const create = async (topic: string, configEntries: { name: string; value: string }[]) => {
    if (await topicExists(admin, topic)) return;
    const isNew = await withRequiredRights(
      [{ operation: 'CREATE', resource: 'topic', name: topic }],
      () =>
        admin.createTopics({
          waitForLeaders: false,
          topics: [{ topic, ...shape, configEntries }],
        }),
    );
    // A busy broker needs a while to know its new topic and to lead it; kafkajs does not wait for that.
    await pRetry(() => fetchAllTopicEnds(admin, topic), LEADER_WAIT);
    if (isNew) created.push(topic);
  };
  await whileStarting(() => create(settings.topic, []), wait);
  const maxBytes = Number(
    (await whileStarting(() => topicConfig(admin, settings.topic, 'max.message.bytes'), wait)) ??
      1_048_588,
  );
  await whileStarting(
    () =>
      create(deadLetterTopicOf(settings), [
        { name: 'max.message.bytes', value: String(deadLetterMaxBytes(maxBytes)) },
        { name: 'retention.ms', value: '-1' },
      ]),
    wait,
  );
  await whileStarting(
    () => create(replayMarksTopicOf(settings), [{ name: 'cleanup.policy', value: 'compact' }]),
    wait,
  );
  return created;
}

/** Throws an OperatorError when the topic of the orders or its dead-letter topic is missing. */
export const checkTopics = (admin: Admin, settings: KafkaSettings): Promise<void> =>
  checkTopicsExist(admin, settings, [settings.topic, deadLetterTopicOf(settings)]);

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
    `Kafka at ${brokers.join(',')} has no topic ${missing.map((t) => `"${t}"`).join(' and no topic ')}`,
    'run `order-ingest setup --only kafka`, or correct KAFKA_TOPIC',
  );
}

/** The value of a topic's setting that is in force. Throws a MissingRightError. */
export async function topicConfig(
  admin: Admin,
  topic: string,
  name: string,
): Promise<string | undefined> {
  const { resources } = await withRequiredRights(
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
