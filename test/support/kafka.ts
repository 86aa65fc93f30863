import kafkajs, { type Admin, type IHeaders, type Message } from 'kafkajs';
import { registerCodecs } from '../../src/kafka/codecs.ts';
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

export async function createTestTopic({
  partitions = 1,
  brokers = stackAddress('KAFKA_BROKERS'),
  maxMessageBytes = 1_048_588,
  leaders,
  groupId = uniqueName('group'),
}: {
  partitions?: number;
  brokers?: string;
  maxMessageBytes?: number;
  /** The leader of each partition, instead of their number. The first also has the dead-letter topic. */
  leaders?: readonly number[];
  groupId?: string;
} = {}): Promise<TestTopic> {
  registerCodecs();
  carryRecordHeaders();
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
  await admin.createTopics({
    // kafkajs stops waiting for the leaders when a broker does not know the topic yet.
    waitForLeaders: false,
    topics: [
      {
        topic: name,
        ...(leaders ? onBrokers(leaders) : { numPartitions: partitions }),
        configEntries: maxBytes(maxMessageBytes),
      },
      {
        topic: deadLetterTopic,
        ...(leaders ? onBrokers(leaders.slice(0, 1)) : { numPartitions: 1 }),
        configEntries: maxBytes(maxMessageBytes + 65_536),
      },
    ],
  });
  await eventually(async () => {
    await admin.fetchTopicOffsets(name);
    await admin.fetchTopicOffsets(deadLetterTopic);
  });
  return {
    name,
    deadLetterTopic,
    groupId,
    admin,
    kafka,
    async addPartitions(count) {
      await admin.createPartitions({ topicPartitions: [{ topic: name, count }] });
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

const maxBytes = (bytes: number) => [{ name: 'max.message.bytes', value: String(bytes) }];

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
