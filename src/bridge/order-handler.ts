import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import type { BridgeSettings } from '../config/roles.ts';
import { deadLetterTopicOf } from '../kafka/kafka-client.ts';
import type { MessageProducer } from '../kafka/producer.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Conditions } from '../telemetry/health/health.ts';
import { isThrottled } from '../temporal/temporal-error.ts';
import { countOpenOrders, untilClosed } from '../temporal/open-workflows.ts';
import { BacklogLimit } from './flow-control/backlog-limit.ts';
import { withConsumeSpan } from './consume-span.ts';
import { createDeadLetterWriter } from './dead-letter-writer.ts';
import { createIngestMessage, type IngestMessage } from './ingest-message.ts';
import { createRetryForever } from './retry-forever.ts';
import type { AdaptiveConcurrencyLimit } from './flow-control/adaptive-concurrency-limit.ts';
import { createWorkflowStarter } from './workflow-starter.ts';

/** A limit on the open orders under the workflow ID prefix of these settings; to be disposed of. */
export const createBacklogLimit = (
  { bridge, temporal }: BridgeSettings,
  client: Client,
): BacklogLimit =>
  new BacklogLimit({
    window: bridge.maxWaitingOrders,
    maxOpen: bridge.maxOpenOrders ?? bridge.maxWaitingOrders * DEFAULT_WINDOWS_OPEN,
    openOrders: {
      untilClosed: (workflow, signal) => untilClosed(client, workflow, signal),
      count: () => countOpenOrders(client, temporal.workflowIdPrefix),
    },
  });

/** With the default window 1,000 open orders: as many as one worker keeps in its cache by default. */
const DEFAULT_WINDOWS_OPEN = 5;

/** Puts the message handler together from the settings and the connections. */
export function createOrderHandler(
  settings: BridgeSettings,
  parts: {
    /** Who starts the workflows, for their histories. */
    readonly identity: string;
    readonly client: Client;
    readonly producer: MessageProducer;
    readonly logger: Logger;
    readonly readiness: Conditions;
    readonly startLimit: AdaptiveConcurrencyLimit;
    readonly backlogLimit: BacklogLimit;
    readonly onAnswer: (seconds: number) => void;
    readonly rerunCompleted?: string;
  },
): IngestMessage {
  const { bridge } = settings;
  const { client, producer, startLimit, backlogLimit } = parts;
  const handleMessage = createIngestMessage({
    starter: createWorkflowStarter({
      client,
      ...settings.temporal,
      identity: `${parts.identity}:${process.pid}@${hostname()}`,
      timeoutMs: bridge.startTimeoutMs,
      maxInputBytes: bridge.maxInputBytes,
      rerunCompleted: parts.rerunCompleted,
    }),
    startLimit,
    backlogLimit,
    deadLetters: createDeadLetterWriter(producer, deadLetterTopicOf(settings.kafka)),
    persistWithTemporal: createRetryForever('Temporal', { ...parts, isThrottled }),
    persistWithKafka: createRetryForever('the dead-letter topic', parts),
    maxInputBytes: bridge.maxInputBytes,
    loggedValueBytes: settings.logging.valueBytes,
    onAnswer: parts.onAnswer,
    logger: parts.logger,
  });
  return withConsumeSpan(bridge.groupId, handleMessage);
}
