import type { Client } from '@temporalio/client';
import { httpMistakes } from '../config/http-settings.ts';
import { readSettings, type Environment, type PartialSettings } from '../config/read-settings.ts';
import { BRIDGE_ROLE, type BridgeSettings } from '../config/roles.ts';
import { bridgeTimeoutMistakes } from '../config/timeouts.ts';
import { valueSettingMistakes } from '../config/value-settings.ts';
import { committedOffsets } from '../kafka/group-positions.ts';
import { inTheClear } from '../kafka/connection/sasl.ts';
import { createKafkaClient } from '../kafka/kafka-client.ts';
import { permissionsOf, requirePermissions } from '../kafka/program-permissions.ts';
import { createProducer } from '../kafka/producer.ts';
import { initializeOffsets } from '../kafka/consumer/starting-offsets.ts';
import { existingTopics } from '../kafka/topics.ts';
import { withFailFastAdmin } from '../kafka/admin.ts';
import { STARTUP_WAIT_MS, whileStarting, type WaitForKafka } from '../kafka/while-starting.ts';
import {
  CLOSING_MS,
  createShutdownLimit,
  type ShutdownLimit,
  type ShutdownSignals,
} from '../program/shutdown-signals.ts';
import { continueOnUnexpectedErrors } from '../program/exit.ts';
import { OperatorError } from '../program/operator-error.ts';
import { openLog, unexpectedErrorLog, type Logger } from '../telemetry/logger.ts';
import { startTracing } from '../telemetry/tracing.ts';
import { connectTemporal, temporalTarget, type TemporalTarget } from '../temporal/connect.ts';
import { hasIngestedFrom } from '../temporal/order-visibility.ts';
import { openMessageReader } from '../order-module/open-message-reader.ts';
import type { MessageReader } from '../order-module/message-reader.ts';
import { reportRenewal } from '../temporal/renewed-settings.ts';
import { checkSearchAttributes } from '../temporal/search-attributes.ts';
import { temporalFailed } from '../temporal/temporal-error.ts';
import { consumeOrders } from './consume-orders.ts';
import type { EagerStarts } from './eager-starts.ts';

/** Contradictions between the settings of a bridge. */
export const bridgeMistakes = (given: PartialSettings<typeof BRIDGE_ROLE>): readonly string[] => [
  ...bridgeTimeoutMistakes(given.bridge),
  ...valueSettingMistakes(given),
  ...httpMistakes('BRIDGE', given.bridge),
];

/** What a bridge gets from the program that it runs in. */
export interface BridgeParts {
  readonly settings: BridgeSettings;
  readonly target: TemporalTarget;
  readonly reader: MessageReader;
  readonly logger: Logger;
  /** Where the worker runs in the same process. */
  readonly eagerStarts?: EagerStarts | undefined;
}

/**
 * The program `order-ingest bridge`. Runs a bridge until the first shutdown signal. Throws an OperatorError when it
 * cannot start, and when its consumer has ended permanently, so that the supervisor of the process restarts it.
 */
export async function runBridge(env: Environment, signals: ShutdownSignals): Promise<void> {
  const settings = readSettings(BRIDGE_ROLE, env, bridgeMistakes);
  const target = temporalTarget(env);
  const reader = await openMessageReader(settings);
  const logger = openLog(settings.logging)('bridge');
  logger.info({ event: 'order_module_loaded', ...reader.origin }, 'the order module is loaded');
  const tracing = await startTracing(env, 'order-ingest-bridge');
  continueOnUnexpectedErrors(unexpectedErrorLog(logger));
  try {
    await ingestUntilStopped({ settings, target, reader, logger }, signals);
  } finally {
    await tracing?.stop();
  }
}

/**
 * Runs a bridge until the first shutdown signal: it then stops fetching, finishes what is in flight,
 * commits, leaves the group and closes. Throws an OperatorError as `runBridge` does.
 */
export async function ingestUntilStopped(
  parts: BridgeParts,
  signals: ShutdownSignals,
): Promise<void> {
  const { settings, logger } = parts;
  const closing = createShutdownLimit(settings.bridge.shutdownGraceMs + CLOSING_MS, () => {
    logger.warn(
      { event: 'shutdown_incomplete' },
      'a server did not answer in time; the next bridge will ingest again what was in flight',
    );
  });
  try {
    await connectAndConsume(parts, { signals, closing });
  } finally {
    closing.lift();
  }
}

async function connectAndConsume(
  { settings, ...parts }: BridgeParts,
  shutdown: { readonly signals: ShutdownSignals; readonly closing: ShutdownLimit },
): Promise<void> {
  const { target, logger } = parts;
  const secret = inTheClear(settings.kafka);
  if (secret !== undefined) {
    logger.warn(
      { event: 'kafka_login_unencrypted' },
      `${secret} crosses the network unencrypted; set KAFKA_SSL=true`,
    );
  }
  const topics = await waitForCluster(settings, logger);
  const client = await connectTemporal(target, reportRenewal(logger));
  try {
    await checkSearchAttributes(client).catch((error: unknown) => {
      throw temporalFailed(target, error);
    });
    await initializeGroupOffsets(settings, topics, { client, target, logger });
    const kafka = createKafkaClient(settings.kafka, logger);
    const producer = createProducer(kafka);
    await producer.connect();
    try {
      await consumeOrders(settings, { ...parts, kafka, producer, client }, shutdown);
    } finally {
      await producer.disconnect();
    }
  } finally {
    await client.connection.close();
  }
}

/**
 * The topics that exist: if some of several are missing, the others are read. Throws an OperatorError when none
 * exists, or a dead-letter topic is missing. Waits for a cluster that is still starting: a new one
 * creates `__consumer_offsets` at the first request for a group, and a broker that has just started must
 * load it. Until then the bridge can neither read nor commit offsets. It also waits while the group's
 * coordinator is a broker that has failed and that the cluster has not yet replaced. Nothing of
 * the bridge needs closing yet, so a signal ends it at once.
 */
async function waitForCluster(
  { kafka, bridge }: BridgeSettings,
  logger: Logger,
): Promise<readonly string[]> {
  const wait: WaitForKafka = {
    timeoutMs: STARTUP_WAIT_MS,
    onWait: (reason) => {
      logger.warn(
        { event: 'waiting_for_kafka', error: reason, timeoutMs: STARTUP_WAIT_MS },
        'waiting for Kafka: the cluster is starting or electing new leaders',
      );
    },
  };
  const requireAll = (topics: readonly string[]) =>
    requirePermissions(
      kafka,
      permissionsOf('bridge', { ...kafka, topics: [...topics], groupId: bridge.groupId }),
    );
  const topics = await withFailFastAdmin(kafka, async (admin) => {
    const existing = await whileStarting(() => existingTopics(admin, kafka), wait);
    for (const topic of existing) {
      await whileStarting(() => committedOffsets(admin, bridge.groupId, topic), wait);
    }
    return existing;
  }).catch(async (error: unknown) => {
    // It names the permission of one request only.
    if (isMissingPermission(error)) await requireAll(kafka.topics);
    throw error;
  });
  // Without them the consumer would fail again and again. Those that are revoked later make the bridge not ready.
  await requireAll(topics);
  for (const topic of kafka.topics) {
    if (topics.includes(topic)) continue;
    logger.error(
      { event: 'topic_missing', topic },
      'the topic does not exist; the other topics are read, and this one as soon as it exists',
    );
  }
  return topics;
}

const isMissingPermission = (error: unknown): boolean =>
  error instanceof OperatorError && error.code === 'KAFKA_RIGHT_MISSING';

async function initializeGroupOffsets(
  settings: BridgeSettings,
  topics: readonly string[],
  parts: { readonly client: Client; readonly target: TemporalTarget; readonly logger: Logger },
): Promise<void> {
  const { client, target, logger } = parts;
  const { groupId, autoOffsetReset: policy } = settings.bridge;
  await withFailFastAdmin(settings.kafka, (admin) =>
    initializeOffsets(admin, {
      groupId,
      topics,
      policy,
      hasIngestedBefore: (topic) =>
        hasIngestedFrom({ client, ...settings.temporal }, topic).catch((error: unknown) => {
          throw temporalFailed(target, error);
        }),
      onExpired: (topic) => {
        logger.error(
          { event: 'offsets_expired', topic, groupId },
          'the group has no committed offsets although it has ingested this topic before: they have expired or were deleted; starting from the oldest message so that none is skipped',
        );
      },
    }),
  );
}
