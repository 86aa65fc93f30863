import { describeError } from '../program/operator-error.ts';
import type { PartitionBatch } from '../kafka/consumer/message-consumer.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { CircuitBreaker } from './flow-control/circuit-breaker.ts';
import { eitherAborted } from './either-aborted.ts';
import type { IngestMessage } from './ingest-message.ts';
import type { OutcomeCounts } from './outcome-counts.ts';
import { createPartitionProgress } from './partition-progress.ts';
import type { Semaphore } from './flow-control/semaphore.ts';

export interface IngestBatchOptions {
  readonly handleMessage: IngestMessage;
  /** Shared by all partitions: bounds what is in flight, and so the memory. */
  readonly slots: Semaphore;
  readonly counts: OutcomeCounts;
  readonly breaker: CircuitBreaker;
  readonly logger: Logger;
  /** How often to show the group that this member lives and how far it is. */
  readonly pulseMs: number;
  /** How long messages in flight may still take once the batch is to end. */
  readonly graceMs: number;
  /** Aborted when the bridge shuts down. */
  readonly stopping: AbortSignal;
}

/**
 * Works through the batch of one partition. It ends in one of these ways:
 * - all messages are finished;
 * - the bridge shuts down, or the group rebalances: nothing new is begun, what is in flight gets
 *   `graceMs` to finish, and the rest is left for whoever reads the partition next;
 * - the partition is lost: everything is dropped at once.
 * In each case exactly the finished part without a gap has been reported to the consumer.
 */
export function createIngestBatch(
  options: IngestBatchOptions,
): (batch: PartitionBatch) => Promise<void> {
  const { handleMessage, slots, counts, breaker, logger, pulseMs, graceMs, stopping } = options;

  return async (batch) => {
    const { messages, revoked: lost, topic, partition } = batch;
    const progress = createPartitionProgress(
      messages.map(({ offset }) => offset),
      batch.lastOffset,
    );
    const rebalance = new AbortController();
    const ending = eitherAborted(lost, stopping, rebalance.signal);
    const outOfTime = abortedAfter(graceMs, ending.signal);
    const abandon = eitherAborted(lost, outOfTime.signal);
    const inFlight = new Set<Promise<void>>();

    const report = () => {
      const next = progress.nextOffset();
      if (next !== undefined) batch.markFinishedUpTo(next);
    };
    const pulse = setInterval(() => {
      report();
      batch.heartbeat().catch((error: unknown) => {
        rebalance.abort(error);
      });
    }, pulseMs);

    const handle = async (index: number) => {
      const message = messages[index];
      if (!message) return;
      counts.read();
      try {
        const outcome = await handleMessage(message, { topic, partition }, abandon.signal);
        counts.finished(outcome);
        breaker.record(outcome.kind === 'dead-letter');
        progress.finish(index);
      } catch (error) {
        counts.abandoned();
        if (!abandon.signal.aborted) {
          logger.error(
            {
              event: 'message_failed',
              topic,
              partition,
              offset: message.offset,
              error: describeError(error),
            },
            'unexpected error; the message is read again',
          );
          rebalance.abort(new Error('a message could not be handled', { cause: error }));
        }
      }
    };

    try {
      for (let index = 0; index < messages.length; index += 1) {
        await breaker.pass(ending.signal);
        await slots.acquire();
        if (ending.signal.aborted) {
          slots.release();
          break;
        }
        const work = handle(index).finally(() => {
          slots.release();
          inFlight.delete(work);
        });
        inFlight.add(work);
      }
      await Promise.all(inFlight);
    } finally {
      clearInterval(pulse);
      outOfTime.dispose();
      ending.dispose();
      abandon.dispose();
      report();
    }
    if (rebalance.signal.aborted) throw rebalance.signal.reason;
  };
}

/**
 * A signal that is aborted `delayMs` after the other one. It does not wait for anybody: a handler that
 * waits for a slot gets one only when messages in flight are given up.
 */
function abortedAfter(
  delayMs: number,
  other: AbortSignal,
): { readonly signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const startClock = () => {
    timer = setTimeout(() => {
      controller.abort();
    }, delayMs);
  };
  if (other.aborted) startClock();
  else other.addEventListener('abort', startClock, { once: true });
  return {
    signal: controller.signal,
    dispose() {
      other.removeEventListener('abort', startClock);
      clearTimeout(timer);
    },
  };
}
