import kafkajs, { type Admin, type IHeaders, type Message } from 'kafkajs';
import { registerCodecs } from '../../src/kafka/codecs.ts';
import { carryRecordHeaders } from '../../src/kafka/patches/record-headers.ts';
import { stackAddress, uniqueName } from './stack.ts';

export interface DeadLetterMessage {
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers: IHeaders;
  readonly reason: string;
}

/** A topic of a test's own with its dead-letter topic, and what a test does with them. */
export interface TestTopic {
  readonly name: string;
  readonly deadLetterTopic: string;
  readonly groupId: string;
  readonly admin: Admin;
  readonly kafka: kafkajs.Kafka;
  addPartitions(count: number): Promise<void>;
  send(messages: readonly Message[]): Promise<void>;
  deadLetters(): Promise<readonly DeadLetterMessage[]>;
  /** Messages that the group has not committed. */
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
  /** The broker of each partition, instead of their number; the dead letters are on the first. */
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
    waitForLeaders: true,
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
  return {
    name,
    deadLetterTopic,
    groupId,
    admin,
    kafka,
    async addPartitions(count) {
      await admin.createPartitions({ topicPartitions: [{ topic: name, count }] });
      // kafkajs silently drops what is sent to a partition that it does not know yet.
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
        const offset = committed?.partitions.find((p) => p.partition === partition)?.offset ?? '0';
        return lag + Number(high) - Math.max(0, Number(offset));
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

/** Reads a topic from its beginning to its present end. */
export async function readTopic(
  kafka: kafkajs.Kafka,
  admin: Admin,
  topic: string,
): Promise<readonly DeadLetterMessage[]> {
  const [end] = await admin.fetchTopicOffsets(topic);
  const count = Number(end?.high ?? 0);
  const letters: DeadLetterMessage[] = [];
  if (count === 0) return letters;
  const consumer = kafka.consumer({ groupId: uniqueName('reader') });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await new Promise<void>((resolve) => {
    void consumer.run({
      autoCommit: false,
      eachMessage: ({ message }) => {
        const { key, value, headers = {} } = message;
        letters.push({
          key: key?.toString() ?? null,
          value,
          headers,
          reason: String(headers['dead-letter.reason']),
        });
        if (letters.length === count) resolve();
        return Promise.resolve();
      },
    });
  });
  await consumer.disconnect();
  return letters;
}
