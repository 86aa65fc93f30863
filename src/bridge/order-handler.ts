import { hostname } from 'node:os';
import type { Client } from '@temporalio/client';
import type { BridgeSettings } from '../config/roles.ts';
import { deadLetterTopicOf } from '../kafka/kafka-client.ts';
import type { MessageProducer } from '../kafka/producer.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Readiness } from '../telemetry/readiness.ts';
import { hasWorkers, untilTaken } from '../temporal/worker-signs.ts';
import { withConsumeSpan } from './consume-span.ts';
import { createDeadLetterWriter } from './dead-letter-writer.ts';
import { createMessageHandler, type MessageHandler } from './message-handler.ts';
import { eitherAborted } from './either-aborted.ts';
import { createPersist } from './persist.ts';
import type { StartLimit } from './start-limit.ts';
import { StartWindow } from './start-window.ts';
import { createWorkflowStarter } from './workflow-starter.ts';

/** A window of starts for the task queue of these settings. The signal ends what it waits for. */
export const createStartWindow = (
  { bridge, temporal }: BridgeSettings,
  client: Client,
  stopping: AbortSignal,
): StartWindow =>
  new StartWindow(bridge.maxWaitingOrders, {
    async untilTaken(workflow, signal) {
      const ending = eitherAborted(signal, stopping);
      try {
        await untilTaken(client, workflow, ending.signal);
      } finally {
        ending.dispose();
      }
    },
    areThere: () => hasWorkers(client, temporal.taskQueue),
  });

/** Puts the message handler together from the settings and the connections. */
export function createOrderHandler(
  settings: BridgeSettings,
  parts: {
    /** Who starts the workflows, for their histories. */
    readonly identity: string;
    readonly client: Client;
    readonly producer: MessageProducer;
    readonly logger: Logger;
    readonly readiness: Readiness;
    readonly startLimit: StartLimit;
    readonly startWindow: StartWindow;
    readonly onAnswer: (seconds: number) => void;
    readonly rerunCompleted?: string;
  },
): MessageHandler {
  const { bridge } = settings;
  const { client, producer, startLimit, startWindow } = parts;
  const handleMessage = createMessageHandler({
    starter: createWorkflowStarter({
      client,
      ...settings.temporal,
      identity: `${parts.identity}:${process.pid}@${hostname()}`,
      timeoutMs: bridge.startTimeoutMs,
      maxInputBytes: bridge.maxInputBytes,
      rerunCompleted: parts.rerunCompleted,
    }),
    startLimit,
    startWindow,
    deadLetters: createDeadLetterWriter(producer, deadLetterTopicOf(settings.kafka)),
    persistWithTemporal: createPersist('Temporal', parts),
    persistWithKafka: createPersist('the dead-letter topic', parts),
    maxInputBytes: bridge.maxInputBytes,
    loggedValueBytes: settings.logging.valueBytes,
    onAnswer: parts.onAnswer,
    logger: parts.logger,
  });
  return withConsumeSpan(bridge.groupId, handleMessage);
}
