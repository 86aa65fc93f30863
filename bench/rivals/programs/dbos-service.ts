import { once } from 'node:events';
import { DBOS } from '@dbos-inc/dbos-sdk';
import { KafkaReceiver } from '@dbos-inc/kafkajs-receive';
import kafkajs, { type KafkaMessage } from 'kafkajs';
import pMap from 'p-map';
import { createIngest, OrderFailure, readProgramEnv, readVariable } from './ingest.ts';

/**
 * A DBOS application with a workflow per message. Its argument is what names the workflow:
 *
 * - `message`: topic, partition and offset, as its receiver does
 *   (https://docs.dbos.dev/typescript/tutorials/externalmessages)
 * - `order`: the order ID as the idempotency key
 *   (https://docs.dbos.dev/typescript/tutorials/workflow-tutorial#workflow-ids-and-idempotency). The receiver
 *   cannot do that, so a consumer of kafkajs starts the workflows, on a queue as well.
 *
 * All settings have their defaults. Ends on SIGTERM.
 */
/** As many as the receiver starts at once. */
const CHUNK = 250;
/** One per connection to the system database: `systemDatabasePoolSize` is 10. */
const CONCURRENT_STARTS = 10;
const [workflowOf] = process.argv.slice(2);
const { brokers, topic, groupId, databaseUrl } = readProgramEnv();
const orders = createIngest(databaseUrl);
const kafka = { brokers, logLevel: kafkajs.logLevel.NOTHING };

DBOS.setConfig({
  name: 'orders',
  systemDatabaseUrl: readVariable('SYSTEM_DATABASE_URL'),
  logLevel: 'error',
});

/**
 * A step, not a transaction of a data source (https://docs.dbos.dev/typescript/tutorials/transaction-tutorial):
 * storing is idempotent, so that it needs no checkpoint in its own transaction, which costs more statements.
 */
const ingestStep = (text: string, partition: number, offset: string) =>
  DBOS.runStep(() => orders.ingest(text, { topic, partition, offset }), {
    name: 'ingest',
    retriesAllowed: true,
    maxAttempts: 10,
    shouldRetry: (error) => !(error instanceof OrderFailure),
  });

const ingestMessage = DBOS.registerWorkflow(
  (_topic: string, partition: number, { value, offset }: KafkaMessage) =>
    ingestStep(String(value), partition, offset),
  { name: 'ingestMessage' },
);
const ingestOrder = DBOS.registerWorkflow(ingestStep, { name: 'ingestOrder' });

if (workflowOf === 'message') {
  new KafkaReceiver(kafka).registerConsumer(ingestMessage, topic, { config: { groupId } });
}
await DBOS.launch();

const consumer = new kafkajs.Kafka(kafka).consumer({ groupId });
if (workflowOf === 'order') await consumeOrders();
console.log('ready');
await once(process, 'SIGTERM');
await consumer.disconnect();
await DBOS.shutdown({ workflowCompletionTimeoutMS: 5000 });
await orders.close();

async function consumeOrders(): Promise<void> {
  const queueName = 'orders';
  await DBOS.registerQueue(queueName);
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  await consumer.run({
    eachBatchAutoResolve: false,
    async eachBatch(payload) {
      const { batch } = payload;
      for (let begin = 0; begin < batch.messages.length; begin += CHUNK) {
        const chunk = batch.messages.slice(begin, begin + CHUNK);
        await pMap(
          chunk,
          async ({ value, offset }) => {
            const text = String(value);
            // A message without an order ID gets the name that the receiver would give it.
            const workflowID = orderIdIn(text) ?? `${topic}-${batch.partition}-${offset}`;
            const start = DBOS.startWorkflow(ingestOrder, { workflowID, queueName });
            await start(text, batch.partition, offset);
          },
          { concurrency: CONCURRENT_STARTS },
        );
        payload.resolveOffset(chunk.at(-1)?.offset ?? '0');
        await payload.heartbeat();
      }
    },
  });
}

function orderIdIn(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { order_id?: string }).order_id;
  } catch {
    return undefined;
  }
}
