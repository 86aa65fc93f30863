import kafkajs from 'kafkajs';
import type { OpenOrders } from '../../src/bridge/flow-control/backlog-limit.ts';
import { Pipeline } from '../../src/bridge/pipeline.ts';
import type { WorkflowStarter } from '../../src/bridge/workflow-starter.ts';
import { readSettings } from '../../src/config/read-settings.ts';
import { BRIDGE_ROLE } from '../../src/config/roles.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { GroupConsumer } from '../../src/kafka/consumer/group-consumer.ts';
import { openMessageReader } from '../../src/order-module/open-message-reader.ts';
import { promiseWithResolvers } from '../../src/program/promise-with-resolvers.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { createHealth } from '../../src/telemetry/health/health.ts';
import { createTestTopic, type TestTopic } from '../../test/support/kafka.ts';
import { uniqueName } from '../../test/support/stack.ts';
import type { Sample } from '../harness/compare.ts';
import { fillTopic } from '../harness/fill-topic.ts';
import type { Benchmark } from './benchmark.ts';

const COUNT = 100_000;

export const overhead: Benchmark = {
  name: 'overhead',
  ratio: 'messages through the bridge with a starter that answers at once ÷ a bare eachBatch loop',
  unit: 'messages/s',
  goal: { atLeast: 0.4 },
  code: ['bench/benchmarks/overhead.ts', 'src/order/order-module.ts'],
  async prepare() {
    const topic = await createTestTopic({ partitions: 4 });
    await fillTopic(topic, COUNT);
    return {
      subject: { name: 'the bridge', measure: () => throughTheBridge(topic) },
      baseline: { name: 'eachBatch and JSON.parse', measure: () => throughABareLoop(topic) },
      close: () => topic.close(),
    };
  },
};

/** From the first batch to the last message: joining the group is not counted. */
function createStopwatch() {
  const done = promiseWithResolvers<number>();
  let begin: number | undefined;
  let count = 0;
  return {
    begin: () => (begin ??= performance.now()),
    count() {
      count += 1;
      if (count === COUNT) done.resolve((performance.now() - (begin ?? 0)) / 1000);
    },
    async sample(): Promise<Sample> {
      return { value: COUNT / (await done.promise) };
    },
  };
}

async function throughTheBridge(topic: TestTopic): Promise<Sample> {
  const settings = readSettings(BRIDGE_ROLE, {
    KAFKA_BROKERS: process.env['KAFKA_BROKERS'],
    KAFKA_TOPIC: topic.name,
    KAFKA_GROUP_ID: uniqueName('group'),
  });
  const logger = silentLogger();
  const stopwatch = createStopwatch();
  const pipeline = new Pipeline(settings, {
    reader: await openMessageReader(settings),
    starter: startingAtOnce(() => {
      stopwatch.count();
    }),
    openOrders: CLOSING_AT_ONCE,
    deadLetters: { write: () => Promise.reject(new Error('no message here is a dead letter')) },
    readiness: createHealth().readiness,
    logger,
  });
  const consumer = new GroupConsumer({
    kafka: createKafkaClient(settings.kafka, logger),
    topics: [topic.name],
    ...settings.bridge,
    logger,
    onBatch: (batch) => {
      stopwatch.begin();
      return pipeline.ingestBatch(batch);
    },
    onLogAnomaly: () => undefined,
    onActivity: () => undefined,
    onCrash: () => undefined,
  });
  await consumer.start();
  const sample = await stopwatch.sample();
  await pipeline.stop();
  await consumer.stop();
  return sample;
}

const startingAtOnce = (onStart: () => void): WorkflowStarter => ({
  start() {
    onStart();
    return Promise.resolve({
      kind: 'started',
      workflow: { workflowId: 'order:A-1', runId: 'run' },
      start: undefined,
      isEager: false,
    });
  },
});

const CLOSING_AT_ONCE: OpenOrders = {
  untilClosed: () => Promise.resolve(),
  count: () => Promise.resolve(0),
};

async function throughABareLoop(topic: TestTopic): Promise<Sample> {
  const kafka = new kafkajs.Kafka({
    brokers: [process.env['KAFKA_BROKERS'] ?? ''],
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const consumer = kafka.consumer({ groupId: uniqueName('group') });
  const stopwatch = createStopwatch();
  await consumer.connect();
  await consumer.subscribe({ topic: topic.name, fromBeginning: true });
  await consumer.run({
    eachBatch: ({ batch }) => {
      stopwatch.begin();
      for (const { value } of batch.messages) {
        JSON.parse(value?.toString() ?? '');
        stopwatch.count();
      }
      return Promise.resolve();
    },
  });
  const sample = await stopwatch.sample();
  await consumer.disconnect();
  return sample;
}
