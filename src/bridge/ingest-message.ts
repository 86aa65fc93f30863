import type { DeadLetterReason } from '../contract/dead-letter.ts';
import type { MessageSource } from '../contract/message.ts';
import { cutParts } from '../kafka/cut-records.ts';
import type { ConsumedMessage } from '../kafka/consumer/message-consumer.ts';
import type { Logger } from '../telemetry/logger.ts';
import { markActiveSpan } from '../telemetry/tracing.ts';
import type { BacklogLimit } from './flow-control/backlog-limit.ts';
import type { DeadLetterWriter } from './dead-letter-writer.ts';
import { describeValue } from './describe-value.ts';
import { createKeyedSequencer } from './flow-control/keyed-sequencer.ts';
import type { MessageOutcome } from './outcome-counts.ts';
import type { RetryForever } from './retry-forever.ts';
import { identify } from '../order/identify.ts';
import type { AdaptiveConcurrencyLimit } from './flow-control/adaptive-concurrency-limit.ts';
import type { WorkflowStarter } from './workflow-starter.ts';

/**
 * Sees one message to its end: a workflow is started, or found to be started already, or the
 * message is a dead letter. Rejects only when the signal is aborted.
 */
export type IngestMessage = (
  message: ConsumedMessage,
  place: { readonly topic: string; readonly partition: number },
  signal: AbortSignal,
) => Promise<MessageOutcome>;

export interface IngestMessageOptions {
  readonly starter: WorkflowStarter;
  readonly startLimit: AdaptiveConcurrencyLimit;
  readonly backlogLimit: BacklogLimit;
  readonly deadLetters: DeadLetterWriter;
  readonly persistWithTemporal: RetryForever;
  readonly persistWithKafka: RetryForever;
  readonly maxInputBytes: number;
  /** How many bytes of a value that cannot be read are logged. */
  readonly loggedValueBytes: number;
  /** Told how long Temporal took to answer a start, in seconds. */
  readonly onAnswer: (seconds: number) => void;
  readonly logger: Logger;
}

export function createIngestMessage(options: IngestMessageOptions): IngestMessage {
  const { starter, startLimit, backlogLimit, deadLetters, logger } = options;
  const { persistWithTemporal, persistWithKafka } = options;
  const inOrder = createKeyedSequencer();
  const timed = async <Answer>(call: () => Promise<Answer>): Promise<Answer> => {
    const begin = performance.now();
    const answer = await call();
    options.onAnswer((performance.now() - begin) / 1000);
    return answer;
  };

  return async (message, place, signal) => {
    const source: MessageSource = { ...place, offset: message.offset };
    logger.debug({ event: 'message_consumed', ...source }, 'message read');

    const bury = async (reason: DeadLetterReason, error: string): Promise<MessageOutcome> => {
      const letter = { message, ...place, reason, error };
      const omitted = await persistWithKafka(() => deadLetters.write(letter), signal);
      logger.warn({ event: 'message_dead_lettered', ...source, reason, error }, 'dead letter');
      if (Object.keys(omitted).length > 0) {
        logger.warn(
          { event: 'dead_letter_incomplete', ...source, omittedBytes: omitted },
          'the dead letter does not carry all of its message, which is only where it came from',
        );
      }
      return { kind: 'dead-letter', reason };
    };

    const cut = cutParts(message.headers);
    if (cut) {
      return bury(
        'too-large',
        `${Math.max(...Object.values(cut))} bytes, too many even for a dead letter: they are only where the message came from`,
      );
    }
    const read = identify(message.value, options.maxInputBytes);
    if (read.kind === 'unusable') {
      const { reason, error } = read;
      const value = describeValue(message.value, options.loggedValueBytes);
      logger.warn({ event: 'message_decode_failed', ...source, reason, error, ...value }, error);
      return bury(reason, error);
    }

    const { orderId, text, fingerprint } = read;
    markActiveSpan({ 'order_ingest.order_id': orderId });
    const order = {
      orderId,
      fingerprint,
      message: { text, source: { ...source, timestamp: message.timestamp } },
    };
    const start = () =>
      persistWithTemporal(
        () => startLimit.run(() => timed(() => starter.start(order)), signal),
        signal,
      );
    const outcome = await inOrder(orderId, () => backlogLimit.run(start, signal));
    switch (outcome.kind) {
      case 'started':
        logger.debug(
          { event: 'workflow_started', ...source, orderId, ...outcome.workflow },
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
