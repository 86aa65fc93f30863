import { once } from 'node:events';
import kafkajs, { type KafkaMessage } from 'kafkajs';
import { createIngest, OrderFailure, readProgramEnv } from './ingest.ts';

/**
 * A consumer of kafkajs and pg with a dead-letter topic. Its argument is how it commits:
 *
 * - `each-message`: after each message
 * - `default`: as kafkajs does by itself, which is after each batch that it has fetched
 *   (https://kafka.js.org/docs/consuming#autocommit)
 * - `batches`: after 500 messages, which it stores concurrently
 *
 * It commits an offset only after the order is stored or its dead letter is written. Other errors are thrown:
 * kafkajs then reads the message again (https://kafka.js.org/docs/consuming#each-message). Ends on SIGTERM.
 *
 * It works on all partitions at the same time, as the documentation recommends for work that waits for a server
 * (https://kafka.js.org/docs/consuming#concurrent-processing).
 */
const [commits = ''] = process.argv.slice(2);
const BATCH = 500;
/** As many as the topics of the comparison have. */
const partitionsConsumedConcurrently = 4;
const { brokers, topic, groupId, databaseUrl } = readProgramEnv();
const orders = createIngest(databaseUrl);
const kafka = new kafkajs.Kafka({ brokers, logLevel: kafkajs.logLevel.NOTHING });
const consumer = kafka.consumer({ groupId });
const producer = kafka.producer();

async function handle(partition: number, message: KafkaMessage): Promise<void> {
  const { offset } = message;
  try {
    await orders.ingest(String(message.value), { topic, partition, offset });
  } catch (error) {
    if (!(error instanceof OrderFailure)) throw error;
    const headers = {
      ...message.headers,
      'dead-letter.reason': error.message,
      'dead-letter.source': `${topic}/${partition}/${offset}`,
    };
    const letter = { key: message.key, value: message.value, headers };
    await producer.send({ topic: `${topic}.dead-letter`, messages: [letter] });
  }
}

const commit = (partition: number, last: string) =>
  consumer.commitOffsets([{ topic, partition, offset: String(BigInt(last) + 1n) }]);

await producer.connect();
await consumer.connect();
await consumer.subscribe({ topic, fromBeginning: true });
switch (commits) {
  case 'each-message':
    await consumer.run({
      partitionsConsumedConcurrently,
      autoCommit: false,
      async eachMessage({ partition, message }) {
        await handle(partition, message);
        await commit(partition, message.offset);
      },
    });
    break;
  case 'default':
    await consumer.run({
      partitionsConsumedConcurrently,
      eachMessage: ({ partition, message }) => handle(partition, message),
    });
    break;
  case 'batches':
    await consumer.run({
      partitionsConsumedConcurrently,
      autoCommit: false,
      eachBatchAutoResolve: false,
      async eachBatch(payload) {
        const { messages, partition } = payload.batch;
        for (let begin = 0; begin < messages.length && payload.isRunning(); begin += BATCH) {
          const some = messages.slice(begin, begin + BATCH);
          await Promise.all(some.map((message) => handle(partition, message)));
          const last = some.at(-1)?.offset ?? '0';
          payload.resolveOffset(last);
          await commit(partition, last);
          await payload.heartbeat();
        }
      },
    });
    break;
  default:
    throw new Error(`unknown: ${commits}`);
}
console.log('ready');
await once(process, 'SIGTERM');
await consumer.disconnect();
await producer.disconnect();
await orders.close();
