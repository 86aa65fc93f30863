import type { Client } from '@temporalio/client';
import type { BridgeSettings } from '../config/roles.ts';
import { endpointOptions } from '../http/endpoint-options.ts';
import { startHealthEndpoint } from '../http/health-endpoint.ts';
import { isExplained, isRejected, kafkaError } from '../kafka/kafka-error.ts';
import type { KafkaClient } from '../kafka/kafka-client.ts';
import { describeMembers } from '../kafka/group-members.ts';
import { nameMissingPermission } from '../kafka/missing-permission.ts';
import { GroupConsumer } from '../kafka/consumer/group-consumer.ts';
import type { MessageProducer } from '../kafka/producer.ts';
import { watchGroup } from '../kafka/group-watch.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import type { MessageReader } from '../order-module/message-reader.ts';
import { promiseWithResolvers } from '../program/promise-with-resolvers.ts';
import type { ShutdownLimit, ShutdownSignals } from '../program/shutdown-signals.ts';
import type { TemporalTarget } from '../temporal/connect.ts';
import { explainFailure } from '../temporal/connection-failure.ts';
import type { Logger } from '../telemetry/logger.ts';
import { createHealth } from '../telemetry/health/health.ts';
import { ConsumerWatchdog } from '../telemetry/health/watchdog.ts';
import { checkBridgeHealth, LOG_CONDITION, reportLogAnomaly } from './bridge-health.ts';
import { BridgeMetrics } from './bridge-metrics.ts';
import { createPipeline } from './create-pipeline.ts';
import type { EagerStarts } from './eager-starts.ts';
import { logProgress } from './outcome-counts.ts';

export interface Connections {
  readonly kafka: KafkaClient;
  readonly producer: MessageProducer;
  readonly client: Client;
  readonly target: TemporalTarget;
  readonly reader: MessageReader;
  readonly logger: Logger;
  /** Where the worker runs in the same process. */
  readonly eagerStarts?: EagerStarts | undefined;
}

/**
 * Consumes the topics until the first shutdown signal, then finishes what is in flight, commits and
 * leaves the group. Throws an OperatorError when the consumer has ended by itself.
 */
export async function consumeOrders(
  settings: BridgeSettings,
  { kafka, producer, client, target, reader, logger, eagerStarts }: Connections,
  { signals, closing }: { readonly signals: ShutdownSignals; readonly closing: ShutdownLimit },
): Promise<void> {
  const { bridge } = settings;
  const { topics } = settings.kafka;
  /** As the setting lists them, in lines about all of them. */
  const topic = topics.join(',');
  const { groupId } = bridge;
  logger.info({ event: 'starting_consumer_loop', topic, groupId }, 'starting');

  const health = createHealth();
  const { readiness } = health;
  const metrics = new BridgeMetrics(readiness);
  const pipeline = createPipeline(settings, {
    client,
    producer,
    reader,
    identity: 'order-ingest-bridge',
    eagerStarts,
    logger,
    readiness,
    startDuration: metrics.startDuration,
    explainTemporal: (error) => explainFailure(target, error),
  });
  /** Resolves at the first shutdown signal; rejects when the consumer has ended by itself. */
  const end = promiseWithResolvers<undefined>();
  const watchdog = new ConsumerWatchdog({
    silenceMs: bridge.sessionTimeoutMs,
    onTimeout: end.reject,
  });
  const consumer = new GroupConsumer({
    kafka,
    topics,
    ...bridge,
    logger,
    describeFailure: (error) => describeConsumerFailure(settings, error),
    onBatch: (batch) => pipeline.ingestBatch(batch),
    onLogAnomaly: (anomaly) => {
      reportLogAnomaly(anomaly, { logger, readiness, metrics });
    },
    onActivity: () => {
      watchdog.touch();
    },
    onCrash: end.reject,
  });
  const group = watchGroup({
    kafka,
    topics,
    groupId,
    intervalMs: bridge.lagIntervalMs,
    onOverlap: (members) => {
      logger.warn(
        { event: 'group_topics_differ', topic, groupId, members: members.length },
        `members of the group have a different KAFKA_TOPIC, which is normal only during a rolling upgrade: ${describeMembers(members)}`,
      );
    },
  });
  metrics.readFrom({
    pipeline,
    eagerStarts,
    group: group.latest,
    ownPartitions: () => consumer.partitions,
    commitAgeMs: () => consumer.commitAgeMs,
  });
  const stopHealthChecks = checkBridgeHealth(health, {
    topics,
    groupId,
    consumer,
    watchdog,
    group,
    breaker: pipeline.breaker,
    backlogLimit: pipeline.backlogLimit,
    counts: pipeline.counts,
    isThrottled: () => Date.now() - pipeline.startLimit.decreasedAt < THROTTLED_FOR_MS,
  });

  try {
    const endpoint = await startHealthEndpoint({
      ...endpointOptions('BRIDGE', bridge),
      health,
      logger,
      metrics: metrics.registry,
      actions: {
        resume() {
          pipeline.breaker.close();
          readiness.clear(LOG_CONDITION);
          logger.info({ event: 'resumed' }, 'resumed by POST /resume');
          return 'the circuit breaker is closed, and reports of lost messages are acknowledged';
        },
      },
    });
    logger.info(
      { event: 'http_listening', host: bridge.httpHost, port: endpoint.port },
      'serving health and metrics',
    );
    const stopListening = signals.onFirst((signal) => {
      logger.info({ event: 'shutdown_signal_received', signal }, 'shutting down');
      readiness.fail('shutdown', 'the bridge is shutting down');
      closing.begin(0);
      end.resolve(undefined);
    });
    const progress = logProgress(pipeline.counts, logger, bridge.progressIntervalMs);
    try {
      await startConsumer(consumer, topic, logger);
      await end.promise;
    } catch (error) {
      throw consumerEnded(settings, error);
    } finally {
      // A call that hangs in kafkajs may be why the consumer has ended, and stopping waits for it.
      closing.begin(1);
      logger.info({ event: 'closing_consumer_loop', topic }, 'finishing what is in flight');
      consumer.pause();
      await pipeline.stop();
      await consumer.stop();
      progress.stop();
      stopListening();
      await endpoint.close();
      logger.info({ event: 'kafka_consumer_closed', topic }, 'the bridge has stopped');
    }
  } finally {
    stopHealthChecks();
    group.stop();
    watchdog.stop();
  }
}

async function startConsumer(
  consumer: GroupConsumer,
  topic: string,
  logger: Logger,
): Promise<void> {
  try {
    await consumer.start();
  } catch (error) {
    logger.error(
      { event: 'kafka_consumer_init_failed', topic, error: describeError(error) },
      'the consumer could not be started',
    );
    throw error;
  }
  logger.info({ event: 'kafka_consumer_initialized', topic }, 'the bridge is waiting for orders');
}

/** Names the permission that a consumer lacks, where the broker's answer names only the kind of resource. */
const withConsumerPermission = ({ kafka, bridge }: BridgeSettings, error: unknown): unknown =>
  nameMissingPermission(error, [
    ...kafka.topics.map(
      (topic) => ({ operation: 'READ', resource: 'topic', name: topic }) as const,
    ),
    { operation: 'READ', resource: 'group', name: bridge.groupId },
  ]);

/** The reason for the bridge not to be ready. It names what an operator has to fix outside the bridge. */
function describeConsumerFailure(settings: BridgeSettings, error: unknown): string {
  const named = withConsumerPermission(settings, error);
  return isRejected(named) ? kafkaError(settings.kafka, named).message : describeError(error);
}

function consumerEnded(settings: BridgeSettings, error: unknown): OperatorError {
  const { kafka } = settings;
  const named = withConsumerPermission(settings, error);
  if (isExplained(named)) return kafkaError(kafka, named);
  return new OperatorError(
    'CONSUMER_ENDED',
    `The Kafka consumer has ended: ${describeError(error)}`,
    'find the cause in the log above, fix it and start the bridge again; no message is lost',
    { cause: error },
  );
}

/** Throttled calls are retried more often than this, so a longer pause has another cause. */
const THROTTLED_FOR_MS = 30_000;
