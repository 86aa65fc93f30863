import kafkajs from 'kafkajs';
import { createIngestBatch } from '../../src/bridge/ingest-batch.ts';
import { createCircuitBreaker } from '../../src/bridge/flow-control/circuit-breaker.ts';
import { pulseMs } from '../../src/bridge/consume-orders.ts';
import { withConsumeSpan } from '../../src/bridge/consume-span.ts';
import { promiseWithResolvers } from '../../src/program/promise-with-resolvers.ts';
import { createIngestMessage } from '../../src/bridge/ingest-message.ts';
import { createOutcomeCounts } from '../../src/bridge/outcome-counts.ts';
import { createRetryForever } from '../../src/bridge/retry-forever.ts';
import { Semaphore } from '../../src/bridge/flow-control/semaphore.ts';
import { AdaptiveConcurrencyLimit } from '../../src/bridge/flow-control/adaptive-concurrency-limit.ts';
import { BacklogLimit, type OpenOrders } from '../../src/bridge/flow-control/backlog-limit.ts';
import type { WorkflowStarter } from '../../src/bridge/workflow-starter.ts';
import { readSettings } from '../../src/config/read-settings.ts';
import { BRIDGE_ROLE } from '../../src/config/roles.ts';
import { createKafkaClient } from '../../src/kafka/kafka-client.ts';
import { GroupConsumer } from '../../src/kafka/consumer/group-consumer.ts';
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
  const { bridge } = settings;
  const logger = silentLogger();
  const kafka = createKafkaClient(settings.kafka, logger);
  const stopping = new AbortController();
  const stopwatch = createStopwatch();
  const breaker = createCircuitBreaker({
    maxPercent: bridge.breakerMaxPercent,
    window: bridge.breakerWindow,
    pauseMs: bridge.breakerPauseMs,
    logger,
  });
  const handleMessage = createIngestMessage({
    starter: ANSWERS_AT_ONCE,
    startLimit: new AdaptiveConcurrencyLimit(bridge.maxConcurrentStarts, () => false),
    backlogLimit: new BacklogLimit({
      window: bridge.maxWaitingOrders,
      maxOpen: bridge.maxWaitingOrders,
      openOrders: CLOSE_AT_ONCE,
    }),
    deadLetters: { write: () => Promise.reject(new Error('there is nothing broken here')) },
    persistWithTemporal: createRetryForever('Temporal', {
      logger,
      readiness: createHealth().readiness,
    }),
    persistWithKafka: createRetryForever('Kafka', { logger, readiness: createHealth().readiness }),
    maxInputBytes: bridge.maxInputBytes,
    loggedValueBytes: 0,
    onAnswer: () => undefined,
    logger,
  });
  const handleBatch = createIngestBatch({
    handleMessage: withConsumeSpan(bridge.groupId, async (...message) => {
      const outcome = await handleMessage(...message);
      stopwatch.count();
      return outcome;
    }),
    slots: new Semaphore(bridge.maxConcurrentStarts),
    counts: createOutcomeCounts(),
    breaker,
    logger,
    pulseMs: pulseMs(bridge),
    graceMs: bridge.shutdownGraceMs,
    stopping: stopping.signal,
  });
  const batches = new Set<Promise<void>>();
  const consumer = new GroupConsumer({
    kafka,
    topic: topic.name,
    ...bridge,
    logger,
    onBatch: (batch) => {
      stopwatch.begin();
      const work = handleBatch(batch).finally(() => batches.delete(work));
      batches.add(work);
      return work;
    },
    onLogAnomaly: () => undefined,
    onActivity: () => undefined,
    onCrash: () => undefined,
  });
  await consumer.start();
  const sample = await stopwatch.sample();
  stopping.abort();
  await Promise.allSettled(batches);
  await consumer.stop();
  breaker.dispose();
  return sample;
}

const ANSWERS_AT_ONCE: WorkflowStarter = {
  start: () =>
    Promise.resolve({ kind: 'started', workflow: { workflowId: 'order:A-1', runId: 'run' } }),
};

const CLOSE_AT_ONCE: OpenOrders = {
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
