import type { DeadLetterReason } from '../contract/dead-letter.ts';
import type { MessageSource } from '../domain/order-store.ts';
import type { ConsumedMessage } from '../kafka/order-consumer.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { DeadLetterWriter } from './dead-letter-writer.ts';
import { createInOrder } from './in-order.ts';
import type { MessageOutcome } from './outcome-counts.ts';
import type { Persist } from './persist.ts';
import { readMessage } from '../contract/read-message.ts';
import type { WorkflowStarter } from './workflow-starter.ts';

/**
 * Sees one message to its end: a workflow is started, or found to be started already, or the
 * message is a dead letter. Rejects only when the signal is aborted.
 */
export type MessageHandler = (
  message: ConsumedMessage,
  place: { readonly topic: string; readonly partition: number },
  signal: AbortSignal,
) => Promise<MessageOutcome>;

export interface MessageHandlerOptions {
  readonly starter: WorkflowStarter;
  readonly deadLetters: DeadLetterWriter;
  readonly persistWithTemporal: Persist;
  readonly persistWithKafka: Persist;
  readonly maxInputBytes: number;
  readonly logger: Logger;
}

export function createMessageHandler(options: MessageHandlerOptions): MessageHandler {
  const { starter, deadLetters, persistWithTemporal, persistWithKafka, logger } = options;
  const inOrder = createInOrder();

  return async (message, place, signal) => {
    const source: MessageSource = { ...place, offset: message.offset };
    logger.debug({ event: 'message_consumed', ...source }, 'message read');

    const bury = async (reason: DeadLetterReason, error: string): Promise<MessageOutcome> => {
      const letter = { message, ...place, reason, error };
      await persistWithKafka(() => deadLetters.write(letter), signal);
      logger.warn({ event: 'message_dead_lettered', ...source, reason, error }, 'dead letter');
      return { kind: 'dead-letter', reason };
    };

    const read = readMessage(message.value, options.maxInputBytes);
    if (read.kind === 'unusable') return bury(read.reason, read.error);

    const { orderId, text, fingerprint } = read;
    const order = {
      orderId,
      fingerprint,
      message: { text, source: { ...source, timestamp: message.timestamp } },
    };
    const outcome = await inOrder(orderId, () =>
      persistWithTemporal(() => starter.start(order), signal),
    );
    switch (outcome.kind) {
      case 'started':
        logger.debug(
          { event: 'workflow_started', ...source, orderId, runId: outcome.runId },
          'workflow started',
        );
        return { kind: 'started' };
      case 'duplicate':
        logger.info({ event: 'duplicate_order', ...source, orderId }, 'ingested before');
        return { kind: 'duplicate' };
      case 'conflict':
        return bury('conflicting-duplicate', outcome.error);
      case 'too-large':
        return bury('too-large', outcome.error);
      case 'refused':
        return bury('refused-by-temporal', outcome.error);
      default:
        return outcome satisfies never;
    }
  };
}
