import { setMaxListeners } from 'node:events';
import type { Client } from '@temporalio/client';
import type { BridgeSettings } from '../config/roles.ts';
import { isExplained, kafkaFailed, type createKafkaClient } from '../kafka/kafka-client.ts';
import { nameMissingRight } from '../kafka/missing-right.ts';
import { GroupConsumer } from '../kafka/consumer/group-consumer.ts';
import type { MessageProducer } from '../kafka/producer.ts';
import { watchLag } from '../kafka/watch-lag.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import type { ShutdownLimit, ShutdownSignals } from '../program/shutdown-signals.ts';
import { startHttpEndpoint } from '../telemetry/http-endpoint.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createHealth } from '../telemetry/health/health.ts';
import { ConsumerWatchdog } from '../telemetry/health/watchdog.ts';
import { isThrottled } from '../temporal/temporal-error.ts';
import { createIngestBatch } from './ingest-batch.ts';
import { checkBridgeHealth, LOG_CONDITION, reportLogAnomaly } from './bridge-health.ts';
import { createBridgeMetrics, reportedLag } from './bridge-metrics.ts';
import { createCircuitBreaker } from './flow-control/circuit-breaker.ts';
import { promiseWithResolvers } from '../program/promise-with-resolvers.ts';
import { createBacklogLimit, createOrderHandler } from './order-handler.ts';
import { createOutcomeCounts, logProgress } from './outcome-counts.ts';
import { Semaphore } from './flow-control/semaphore.ts';
import { AdaptiveConcurrencyLimit } from './flow-control/adaptive-concurrency-limit.ts';
import { createThrottleLog } from './throttle-log.ts';

export interface Connections {
  readonly kafka: ReturnType<typeof createKafkaClient>;
  readonly producer: MessageProducer;
  readonly client: Client;
  readonly logger: Logger;
}

/**
 * Consumes the topic until the first shutdown signal, then finishes what is in flight, commits and
 * leaves the group. Throws an OperatorError when the consumer has ended by itself.
 */
export async function consumeOrders(
  settings: BridgeSettings,
  { kafka, producer, client, logger }: Connections,
  { signals, closing }: { readonly signals: ShutdownSignals; readonly closing: ShutdownLimit },
): Promise<void> {
  const { topic } = settings.kafka;
  const { bridge } = settings;
  const stopping = new AbortController();
  setMaxListeners(0, stopping.signal);
  const health = createHealth();
  const { readiness } = health;
  const counts = createOutcomeCounts();
  let throttledAt = Number.NEGATIVE_INFINITY;
  const startLimit = new AdaptiveConcurrencyLimit(bridge.maxConcurrentStarts, isThrottled, () => {
    throttledAt = Date.now();
    metrics.throttled();
    logThrottled(startLimit.current);
  });
  const backlogLimit = createBacklogLimit(settings, client);
  const logThrottled = createThrottleLog(logger);
  const breaker = createCircuitBreaker({
    maxPercent: bridge.breakerMaxPercent,
    window: bridge.breakerWindow,
    pauseMs: bridge.breakerPauseMs,
    logger,
  });
  const lag = watchLag({ kafka, topic, groupId: bridge.groupId, intervalMs: bridge.lagIntervalMs });
  const metrics = createBridgeMetrics({
    counts,
    startLimit,
    backlogLimit,
    breaker,
    readiness,
    lag: () => reportedLag(lag.current(), consumer.partitions, lag.unread()),
    committed: () => ofOurs(lag.committed()),
    commitAgeMs: () => consumer.commitAgeMs,
  });
  const ofOurs = (partitions: ReadonlyMap<number, number>) =>
    new Map([...partitions].filter(([partition]) => consumer.partitions.has(partition)));
  const handleBatch = createIngestBatch({
    handleMessage: createOrderHandler(settings, {
      identity: 'order-ingest-bridge',
      client,
      producer,
      logger,
      readiness,
      startLimit,
      backlogLimit,
      onAnswer: metrics.startAnswered,
    }),
    slots: new Semaphore(bridge.maxConcurrentStarts),
    counts,
    breaker,
    logger,
    pulseMs: pulseMs(bridge),
    graceMs: bridge.shutdownGraceMs,
    stopping: stopping.signal,
  });

  logger.info({ event: 'starting_consumer_loop', topic, groupId: bridge.groupId }, 'starting');
  const ended = promiseWithResolvers<never>();
  const watchdog = new ConsumerWatchdog({
    silenceMs: bridge.sessionTimeoutMs,
    onTimeout: ended.reject,
  });
  const batches = new Set<Promise<void>>();
  const consumer = new GroupConsumer({
    kafka,
    topic,
    ...bridge,
    logger,
    onBatch: (batch) => {
      const work = handleBatch(batch).finally(() => batches.delete(work));
      batches.add(work);
      return work;
    },
    onLogAnomaly: (anomaly) => {
      reportLogAnomaly(anomaly, { topic, logger, readiness, metrics });
    },
    onActivity: () => {
      watchdog.touch();
    },
    onCrash: ended.reject,
  });
  const stopHealthChecks = checkBridgeHealth(health, {
    topic,
    groupId: bridge.groupId,
    consumer,
    watchdog,
    lag,
    breaker,
    backlogLimit,
    counts,
    isThrottled: () => Date.now() - throttledAt < THROTTLED_FOR_MS,
  });
  const stopWatching = () => {
    watchdog.stop();
    lag.stop();
    stopHealthChecks();
  };
  const endpoint = await startHttpEndpoint({
    host: bridge.httpHost,
    port: bridge.httpPort,
    portSetting: 'BRIDGE_HTTP_PORT',
    health,
    logger,
    metrics: metrics.registry,
    actions: {
      resume() {
        breaker.close();
        readiness.clear(LOG_CONDITION);
        logger.info({ event: 'resumed' }, 'told to resume');
        return 'the circuit breaker is closed, and trouble with the log acknowledged';
      },
    },
  }).catch((error: unknown) => {
    stopWatching();
    throw error;
  });
  logger.info(
    { event: 'http_listening', host: bridge.httpHost, port: endpoint.port },
    'serving health and metrics',
  );
  const stopped = promiseWithResolvers<undefined>();
  const stopListening = signals.onFirst((signal) => {
    logger.info({ event: 'shutdown_signal_received', signal }, 'shutting down');
    readiness.fail('shutdown', 'the bridge is shutting down');
    closing.begin(0);
    stopped.resolve(undefined);
  });
  const progress = logProgress(counts, logger, bridge.progressIntervalMs);
  try {
    await consumer.start().catch((error: unknown) => {
      const failure = { event: 'kafka_consumer_init_failed', topic, error: describeError(error) };
      logger.error(failure, 'the consumer could not be started');
      throw error;
    });
    logger.info({ event: 'kafka_consumer_initialized', topic }, 'the bridge waits for orders');
    await Promise.race([stopped.promise, ended.promise]);
  } catch (error) {
    const named = nameMissingRight(error, [
      { operation: 'READ', resource: 'topic', name: topic },
      { operation: 'READ', resource: 'group', name: bridge.groupId },
    ]);
    if (isExplained(named)) throw kafkaFailed(settings.kafka, named);
    throw new OperatorError(
      'CONSUMER_ENDED',
      `The Kafka consumer has ended: ${describeError(error)}`,
      'see the log above for the cause, fix it and start the bridge again; nothing is lost',
      { cause: error },
    );
  } finally {
    // kafkajs waits for what hangs in it, which may be why the consumer has ended.
    closing.begin(1);
    logger.info({ event: 'closing_consumer_loop', topic }, 'finishing what is in flight');
    stopWatching();
    stopping.abort();
    consumer.pause();
    await Promise.allSettled(batches);
    await consumer.stop();
    progress.stop();
    breaker.dispose();
    backlogLimit.dispose();
    stopListening();
    await endpoint.close();
    logger.info({ event: 'kafka_consumer_closed', topic }, 'the bridge has stopped');
  }
}

/** Throttled calls are repeated more often than this, so that a longer silence means something else. */
const THROTTLED_FOR_MS = 30_000;

/** Often enough that a commit finds what is finished, and that the loss of a partition is noticed. */
export const pulseMs = ({
  commitIntervalMs,
  heartbeatIntervalMs,
}: BridgeSettings['bridge']): number => Math.min(500, commitIntervalMs, heartbeatIntervalMs);
