import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import { readSettings, type Environment, type Settings } from '../config/read-settings.ts';
import { BRIDGE_ROLE } from '../config/roles.ts';
import { deferred } from './deferred.ts';
import { createKafkaClient, deadLetterTopicOf } from '../kafka/kafka-client.ts';
import { OrderConsumer } from '../kafka/order-consumer.ts';
import { createProducer } from '../kafka/producer.ts';
import { settleStartingOffsets } from '../kafka/starting-offsets.ts';
import { checkTopics, withAdmin } from '../kafka/topics.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import type { ShutdownSignals } from '../program/shutdown-signals.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import { connectTemporal } from '../temporal/connect.ts';
import { temporalTarget } from '../temporal/connection-options.ts';
import { checkSearchAttributes } from '../temporal/search-attributes.ts';
import { createBatchHandler } from './batch-handler.ts';
import { createCircuitBreaker } from './circuit-breaker.ts';
import { createDeadLetterWriter } from './dead-letter-writer.ts';
import { createMessageHandler } from './message-handler.ts';
import { createOutcomeCounts, logProgress } from './outcome-counts.ts';
import { createPersist } from './persist.ts';
import { Slots } from './slots.ts';
import { createWorkflowStarter } from './workflow-starter.ts';

type BridgeSettings = Settings<typeof BRIDGE_ROLE>;

/**
 * Runs a bridge until the first shutdown signal: it then fetches nothing more, finishes what is in
 * flight, commits, leaves the group and closes. Throws an OperatorError when it cannot start, and
 * when its consumer has ended for good: a process that nobody restarts must not look healthy.
 */
export async function runBridge(env: Environment, signals: ShutdownSignals): Promise<void> {
  const settings = readSettings(BRIDGE_ROLE, env);
  checkTimeouts(settings);
  const target = temporalTarget(env);
  const logger = createLogger({ ...settings.logging, service: 'bridge' });
  const { topic } = settings.kafka;
  const { groupId, autoOffsetReset } = settings.bridge;

  await withAdmin(settings.kafka, async (admin) => {
    await checkTopics(admin, settings.kafka);
    await settleStartingOffsets(admin, { groupId, topic, policy: autoOffsetReset });
  });
  const client = await connectTemporal(target);
  try {
    await checkSearchAttributes(client);
    const kafka = createKafkaClient(settings.kafka, logger);
    const producer = createProducer(kafka);
    await producer.connect();
    try {
      await consumeUntilStopped(settings, { kafka, producer, client, logger }, signals);
    } finally {
      await producer.disconnect();
    }
  } finally {
    await client.connection.close();
  }
}

interface Connections {
  readonly kafka: ReturnType<typeof createKafkaClient>;
  readonly producer: ReturnType<typeof createProducer>;
  readonly client: Client;
  readonly logger: Logger;
}

async function consumeUntilStopped(
  settings: BridgeSettings,
  { kafka, producer, client, logger }: Connections,
  signals: ShutdownSignals,
): Promise<void> {
  const { topic } = settings.kafka;
  const { bridge } = settings;
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  const counts = createOutcomeCounts();
  const batches = new Set<Promise<void>>();
  const breaker = createCircuitBreaker({
    maxPercent: bridge.breakerMaxPercent,
    window: bridge.breakerWindow,
    pauseMs: bridge.breakerPauseMs,
    logger,
  });

  const handleBatch = createBatchHandler({
    handleMessage: createMessageHandler({
      starter: createWorkflowStarter({
        client,
        ...settings.temporal,
        identity: `order-ingest-bridge:${process.pid}@${hostname()}`,
        timeoutMs: bridge.startTimeoutMs,
        maxInputBytes: bridge.maxInputBytes,
      }),
      deadLetters: createDeadLetterWriter(producer, deadLetterTopicOf(settings.kafka)),
      persistWithTemporal: createPersist('Temporal', logger),
      persistWithKafka: createPersist('the dead-letter topic', logger),
      maxInputBytes: bridge.maxInputBytes,
      logger,
    }),
    slots: new Slots(bridge.maxConcurrentStarts),
    counts,
    breaker,
    logger,
    pulseMs: Math.min(bridge.commitIntervalMs, bridge.heartbeatIntervalMs),
    graceMs: bridge.shutdownGraceMs,
    stopping: stopping.signal,
  });

  logger.info({ event: 'starting_consumer_loop', topic, groupId: bridge.groupId }, 'starting');
  const crash = deferred<never>();
  const consumer = new OrderConsumer({
    kafka,
    topic,
    ...bridge,
    logger,
    onBatch: (batch) => {
      const work = handleBatch(batch).finally(() => batches.delete(work));
      batches.add(work);
      return work;
    },
    onCrash: crash.reject,
  });
  const stopped = deferred<undefined>();
  const stopListening = signals.onFirst((signal) => {
    logger.info({ event: 'shutdown_signal_received', signal }, 'shutting down');
    stopped.resolve(undefined);
  });
  const progress = logProgress(counts, logger, bridge.progressIntervalMs);
  try {
    await consumer.start();
    logger.info({ event: 'kafka_consumer_initialized', topic }, 'the bridge waits for orders');
    await Promise.race([stopped.promise, crash.promise]);
  } catch (error) {
    throw new OperatorError(
      `The Kafka consumer has ended: ${describeError(error)}`,
      'see the log above for the cause, mend it and start the bridge again; nothing is lost',
      { cause: error },
    );
  } finally {
    logger.info({ event: 'closing_consumer_loop', topic }, 'finishing what is in flight');
    stopping.abort();
    consumer.pause();
    await Promise.allSettled(batches);
    await consumer.stop();
    progress.stop();
    breaker.dispose();
    stopListening();
    logger.info({ event: 'kafka_consumer_closed', topic }, 'the bridge has stopped');
  }
}

function checkTimeouts({ bridge }: BridgeSettings): void {
  if (bridge.heartbeatIntervalMs * 3 <= bridge.sessionTimeoutMs) return;
  throw new OperatorError(
    `KAFKA_HEARTBEAT_INTERVAL_MS (${bridge.heartbeatIntervalMs}) is more than a third of KAFKA_SESSION_TIMEOUT_MS (${bridge.sessionTimeoutMs})`,
    'lower the one or raise the other',
  );
}
