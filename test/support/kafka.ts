import kafkajs, { type Admin, type IHeaders, type ITopicConfig, type Message } from 'kafkajs';
import { registerCodecs } from '../../src/kafka/codecs.ts';
import { disableIdlePolling } from '../../src/kafka/patches/idle-connections.ts';
import { carryRecordHeaders } from '../../src/kafka/patches/record-headers.ts';
import { eventually } from './eventually.ts';
import { stackAddress, uniqueName } from './stack.ts';

export interface DeadLetterMessage {
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers: IHeaders;
  readonly reason: string;
}

/** The topic and the dead-letter topic of one test. */
export interface TestTopic {
  readonly name: string;
  readonly deadLetterTopic: string;
  readonly groupId: string;
  readonly admin: Admin;
  readonly kafka: kafkajs.Kafka;
  addPartitions(count: number): Promise<void>;
  send(messages: readonly Message[]): Promise<void>;
  deadLetters(): Promise<readonly DeadLetterMessage[]>;
  /** The number of messages that the group has not committed. */
  lag(): Promise<number>;
  close(): Promise<void>;
}

const CREATE_TIMEOUT_MS = 60_000;

export async function createTestTopic({
  partitions = 1,
  brokers = stackAddress('KAFKA_BROKERS'),
  maxMessageBytes = 1_048_588,
  leaders,
  groupId = uniqueName('group'),
  retentionMs,
}: {
  partitions?: number;
  brokers?: string;
  maxMessageBytes?: number;
  /** The leader of each partition, instead of their number. The first also has the dead-letter topic. */
  leaders?: readonly number[];
  groupId?: string;
  /** -1 keeps messages whose timestamps are old. Default: that of the broker. */
  retentionMs?: number;
} = {}): Promise<TestTopic> {
  registerCodecs();
  carryRecordHeaders();
  disableIdlePolling();
  const kafka = new kafkajs.Kafka({
    brokers: brokers.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const name = uniqueName('orders');
  const deadLetterTopic = `${name}.dead-letter`;
  const admin = kafka.admin();
  let producer = kafka.producer();
  await admin.connect();
  await producer.connect();
  const config = (maxBytes: number) => [
    { name: 'max.message.bytes', value: String(maxBytes) },
    ...(retentionMs === undefined ? [] : [{ name: 'retention.ms', value: String(retentionMs) }]),
  ];
  await createWith(admin, [
    {
      topic: name,
      ...(leaders ? onBrokers(leaders) : { numPartitions: partitions }),
      configEntries: config(maxMessageBytes),
    },
    {
      topic: deadLetterTopic,
      ...(leaders ? onBrokers(leaders.slice(0, 1)) : { numPartitions: 1 }),
      configEntries: config(maxMessageBytes + 65_536),
    },
  ]);
  return {
    name,
    deadLetterTopic,
    groupId,
    admin,
    kafka,
    async addPartitions(count) {
      await admin.createPartitions({
        timeout: CREATE_TIMEOUT_MS,
        topicPartitions: [{ topic: name, count }],
      });
      await eventually(async () => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [name] });
        expect(topics[0]?.partitions).toHaveLength(count);
      });
      // kafkajs silently drops messages to a partition that it does not know yet.
      await producer.disconnect();
      producer = kafka.producer();
      await producer.connect();
    },
    async send(messages) {
      await producer.send({ topic: name, messages: messages.map((message) => ({ ...message })) });
    },
    deadLetters: () => readTopic(kafka, admin, deadLetterTopic),
    async lag() {
      const ends = await admin.fetchTopicOffsets(name);
      const [committed] = await admin.fetchOffsets({ groupId, topics: [name] });
      return ends.reduce((lag, { partition, high }) => {
        const answer = committed?.partitions.find((p) => p.partition === partition);
        // kafkajs asks about no partition while it does not know the topic, as when brokers restart.
        if (!answer) throw new Error(`no answer about partition ${partition} of ${name}`);
        return lag + Number(high) - Math.max(0, Number(answer.offset));
      }, 0);
    },
    async close() {
      await producer.disconnect();
      await admin.disconnect();
    },
  };
}

const onBrokers = (leaders: readonly number[]) => ({
  replicaAssignment: leaders.map((leader, partition) => ({ partition, replicas: [leader] })),
});

/** Creates topics, and waits until they can be used. */
export async function createTopics(
  kafka: kafkajs.Kafka,
  topics: readonly ITopicConfig[],
): Promise<void> {
  // An admin of its own: kafkajs asks for the leaders of all topics that an admin has used, dead or not.
  const admin = kafka.admin();
  await admin.connect();
  try {
    await createWith(admin, topics);
  } finally {
    await admin.disconnect();
  }
}

async function createWith(admin: Admin, topics: readonly ITopicConfig[]): Promise<void> {
  await admin.createTopics({
    // kafkajs stops waiting for the leaders when a broker does not know the topic yet.
    waitForLeaders: false,
    timeout: CREATE_TIMEOUT_MS,
    topics: [...topics],
  });
  await eventually(async () => {
    for (const { topic } of topics) await admin.fetchTopicOffsets(topic);
  });
}

/** Reads partition 0 of a topic from its beginning to its current end. */
export async function readTopic(
  kafka: kafkajs.Kafka,
  admin: Admin,
  topic: string,
): Promise<readonly DeadLetterMessage[]> {
  const [end] = await admin.fetchTopicOffsets(topic);
  const count = Number(end?.high ?? 0);
  const messages: DeadLetterMessage[] = [];
  if (count === 0) return messages;
  const consumer = kafka.consumer({ groupId: uniqueName('reader') });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve) => {
    void consumer.run({
      autoCommit: false,
      eachMessage: ({ message }) => {
        const { key, value, headers = {} } = message;
        messages.push({
          key: key?.toString() ?? null,
          value,
          headers,
          reason: String(headers['dead-letter.reason']),
        });
        if (messages.length === count) resolve();
        return Promise.resolve();
      },
    });
  });
  await consumer.disconnect();
  return messages;
}
