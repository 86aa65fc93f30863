import { setMaxListeners } from 'node:events';
import { SpanKind } from '@opentelemetry/api';
import type { BridgeSettings } from '../config/roles.ts';
import type { DeadLetterReason } from '../contract/dead-letter.ts';
import type { MessageSource } from '../contract/message.ts';
import type { ConsumedMessage, PartitionBatch } from '../kafka/consumer/consumed-message.ts';
import { removedParts } from '../kafka/truncated-records.ts';
import { describeError } from '../program/operator-error.ts';
import { contextOf, inSpan, markActiveSpan, type SpanDescription } from '../telemetry/tracing.ts';
import { isThrottled } from '../temporal/temporal-error.ts';
import type { DeadLetter, DeadLetterWriter } from './dead-letter-writer.ts';
import { AdaptiveConcurrencyLimit } from './flow-control/adaptive-concurrency-limit.ts';
import { BacklogLimit, type OpenOrders } from './flow-control/backlog-limit.ts';
import { CircuitBreaker } from './flow-control/circuit-breaker.ts';
import { Drain } from './flow-control/drain.ts';
import { KeyedSequencer } from './flow-control/keyed-sequencer.ts';
import { Semaphore } from '../program/semaphore.ts';
import { OutcomeCounts, type MessageOutcome } from './outcome-counts.ts';
import { BatchProgress } from './batch-progress.ts';
import { createRetryForever, type RetryForever } from './retry-forever.ts';
import { OrderIdentifier, type IdentifierPorts } from './order-identifier.ts';
import type { OrderToStart } from './start-request.ts';
import type { StartOutcome, WorkflowStarter } from './workflow-starter.ts';

/** What the pipeline works on. */
export interface PipelinePorts extends IdentifierPorts {
  readonly starter: WorkflowStarter;
  readonly openOrders: OpenOrders;
  readonly deadLetters: DeadLetterWriter;
  /** Finds why Temporal is unavailable. */
  readonly explainTemporal?: (error: unknown) => Promise<unknown>;
}

/**
 * Ingests messages. Each message passes these steps, in this order:
 *
 * 1. **Circuit breaker**: no message starts while too many of the recent ones are dead letters.
 * 2. **Concurrency**: a bounded number of messages is in flight, over all partitions, which bounds the
 *    memory.
 * 3. **Identify**: a message without a usable order ID is a dead letter.
 * 4. **Sequence per order**: messages with the same order ID continue one at a time, in the order of
 *    the topic.
 * 5. **Backlog limit**: while too many orders are open in Temporal, new ones stay in Kafka.
 * 6. **Adaptive concurrency limit**: while Temporal throttles, fewer starts are sent at once. Passed by
 *    each attempt, since a start is retried until Temporal answers.
 * 7. **Start**: Temporal starts the order's workflow, or its answer makes the message a duplicate or a
 *    dead letter.
 * 8. **Record**: the outcome counts, and the offset may be committed.
 *
 * `ingestBatch` takes the messages of a partition through all of them. `ingestMessage` takes one
 * message through 3 to 7, for a replay.
 */
export class Pipeline {
  readonly breaker: CircuitBreaker;
  readonly backlogLimit: BacklogLimit;
  readonly startLimit: AdaptiveConcurrencyLimit;
  readonly counts = new OutcomeCounts();
  readonly #settings: BridgeSettings;
  readonly #ports: PipelinePorts;
  readonly #identifier: OrderIdentifier;
  readonly #concurrency: Semaphore;
  readonly #sequencer = new KeyedSequencer();
  readonly #retryTemporal: RetryForever;
  readonly #retryDeadLetters: RetryForever;
  readonly #stopping = new AbortController();
  readonly #batches = new Set<Promise<void>>();

  constructor(settings: BridgeSettings, ports: PipelinePorts) {
    const { bridge } = settings;
    const { readiness, logger } = ports;
    this.#settings = settings;
    this.#ports = ports;
    this.#identifier = new OrderIdentifier(settings, ports);
    this.breaker = new CircuitBreaker({
      maxPercent: bridge.breakerMaxPercent,
      window: bridge.breakerWindow,
      pauseMs: bridge.breakerPauseMs,
      logger,
    });
    this.#concurrency = new Semaphore(bridge.maxConcurrentStarts);
    this.backlogLimit = new BacklogLimit({
      window: bridge.maxWaitingOrders,
      maxOpen: bridge.maxOpenOrders ?? bridge.maxWaitingOrders * DEFAULT_WINDOWS_OPEN,
      openOrders: ports.openOrders,
    });
    this.startLimit = new AdaptiveConcurrencyLimit({
      max: bridge.maxConcurrentStarts,
      isThrottled,
      logger,
    });
    this.#retryTemporal = createRetryForever('Temporal', {
      readiness,
      logger,
      isThrottled,
      ...(ports.explainTemporal ? { explain: ports.explainTemporal } : {}),
    });
    this.#retryDeadLetters = createRetryForever('the dead-letter topic', { readiness, logger });
    // Each batch listens.
    setMaxListeners(0, this.#stopping.signal);
  }

  /**
   * Ingests the batch of one partition. It resolves when all messages are finished, or ends early:
   * - when the bridge stops, the group rebalances or a message fails unexpectedly, no further message
   *   starts, those in flight get the grace period, and the rest is left for whoever reads the
   *   partition next;
   * - when the partition is revoked, the messages in flight are abandoned at once;
   * - when it holds up other partitions for some seconds, no further message starts, and the rest is fetched
   *   again beside theirs.
   *
   * In each case exactly the contiguous finished prefix has been reported to the consumer. Rejects with
   * what failed, if that is why it ended.
   */
  ingestBatch(batch: PartitionBatch): Promise<void> {
    const work = this.#ingestBatch(batch).finally(() => this.#batches.delete(work));
    this.#batches.add(work);
    return work;
  }

  async #ingestBatch(batch: PartitionBatch): Promise<void> {
    const { messages, revoked } = batch;
    const { shutdownGraceMs: graceMs } = this.#settings.bridge;
    const drain = new Drain({ revoked, stopping: this.#stopping.signal, graceMs });
    const progress = new BatchProgress(
      messages.map(({ offset }) => offset),
      batch.lastOffset,
    );
    const inFlight = new Set<Promise<void>>();
    const endAt = performance.now() + MAX_BATCH_MS;
    let failure: { readonly error: unknown } | undefined;

    const fail = (error: unknown) => {
      failure ??= { error };
      drain.begin();
    };
    const reportProgress = () => {
      const next = progress.nextOffset();
      if (next !== undefined) batch.markFinishedUpTo(next);
    };
    const heartbeats = setInterval(() => {
      reportProgress();
      batch.heartbeat().catch(fail);
    }, heartbeatCheckMs(this.#settings.bridge));

    const ingest = async (message: ConsumedMessage, index: number): Promise<void> => {
      this.counts.begin();
      try {
        const outcome = await this.ingestMessage(message, batch, drain.abandoned);
        this.counts.record(outcome);
        this.breaker.record(outcome.kind === 'dead-letter');
        progress.finish(index);
      } catch (error) {
        this.counts.abandon();
        if (drain.abandoned.aborted) return;
        this.#ports.logger.error(
          { event: 'message_failed', ...sourceOf(batch, message), error: describeError(error) },
          'unexpected error; the message will be read again',
        );
        fail(new Error('a message could not be ingested', { cause: error }));
      }
    };

    try {
      for (const [index, message] of messages.entries()) {
        if (performance.now() >= endAt && batch.holdsUpOthers()) break;
        await this.breaker.pass(drain.draining);
        const preparing = this.#identifier.prepare(message, drain.draining);
        if (preparing) await preparing;
        // Not aborted by the drain: the messages in flight return their permits when they are abandoned.
        await this.#concurrency.acquire();
        if (drain.draining.aborted) {
          this.#concurrency.release();
          break;
        }
        const work = ingest(message, index).finally(() => {
          this.#concurrency.release();
          inFlight.delete(work);
        });
        inFlight.add(work);
      }
      await Promise.all(inFlight);
    } finally {
      clearInterval(heartbeats);
      drain.dispose();
      reportProgress();
    }
    if (failure) throw failure.error;
  }

  /**
   * Ingests one message: its workflow is started or has been started before, or the message is a dead
   * letter. Retries until Temporal, or the broker for a dead letter, has acknowledged it. Rejects only
   * when the signal is aborted.
   */
  ingestMessage(
    message: ConsumedMessage,
    origin: { readonly topic: string; readonly partition: number },
    signal: AbortSignal,
  ): Promise<MessageOutcome> {
    const source = sourceOf(origin, message);
    return inSpan(consumeSpan(message, source, this.#settings.bridge.groupId), async (span) => {
      const outcome = await this.#ingestMessage(message, source, signal);
      span.setAttribute('order_ingest.outcome', outcome.kind);
      return outcome;
    });
  }

  async #ingestMessage(
    message: ConsumedMessage,
    source: MessageSource,
    signal: AbortSignal,
  ): Promise<MessageOutcome> {
    const { logger } = this.#ports;
    logger.debug({ event: 'message_consumed', ...source }, 'message consumed');
    const deadLetter = (reason: DeadLetterReason, error: string) =>
      this.#deadLetter({ message, ...source, reason, error }, signal);

    const removed = removedParts(message.headers);
    if (removed) {
      const bytes = Math.max(...Object.values(removed));
      const error = `${bytes} bytes, too large even for a dead letter: the content is only in the source topic`;
      return deadLetter('too-large', error);
    }
    const identifying = this.#identifier.identify(message, source, signal);
    const identified = identifying instanceof Promise ? await identifying : identifying;
    if (identified.kind === 'unusable') return deadLetter(identified.reason, identified.error);

    const { order } = identified;
    const { orderId } = order;
    markActiveSpan({ 'order_ingest.order_id': orderId });
    const answer = await this.#start(order, signal);
    switch (answer.kind) {
      case 'started':
        logger.debug(
          { event: 'workflow_started', ...source, orderId, ...answer.workflow },
          'workflow started',
        );
        return { kind: 'started' };
      case 'duplicate':
        logger.info(
          { event: 'duplicate_order', ...source, orderId },
          'duplicate: the order has been ingested before',
        );
        return { kind: 'duplicate' };
      case 'conflict':
        return deadLetter('conflicting-duplicate', answer.error);
      case 'too-large':
        return deadLetter('too-large', answer.error);
      case 'rejected':
        return deadLetter('refused-by-temporal', answer.error);
      default:
        return answer satisfies never;
    }
  }

  /** Starts the order's workflow once the gates for starts let it pass. */
  async #start(order: OrderToStart, signal: AbortSignal): Promise<StartOutcome> {
    await this.#sequencer.acquire(order.orderId, signal);
    try {
      await this.backlogLimit.acquire(signal);
      try {
        const outcome = await this.#retryTemporal(
          () => this.startLimit.run(() => this.#ports.starter.start(order, signal), signal),
          signal,
        );
        if (outcome.kind === 'started') this.backlogLimit.started(outcome);
        return outcome;
      } finally {
        this.backlogLimit.release();
      }
    } finally {
      this.#sequencer.release(order.orderId);
    }
  }

  async #deadLetter(letter: DeadLetter, signal: AbortSignal): Promise<MessageOutcome> {
    const { deadLetters, logger } = this.#ports;
    const { message, reason, error } = letter;
    const source = sourceOf(letter, message);
    const omitted = await this.#retryDeadLetters(() => deadLetters.write(letter), signal);
    logger.warn({ event: 'message_dead_lettered', ...source, reason, error }, 'dead letter');
    if (Object.keys(omitted).length > 0) {
      logger.warn(
        { event: 'dead_letter_incomplete', ...source, omittedBytes: omitted },
        'the dead letter does not carry the whole message, which is only in the source topic',
      );
    }
    return { kind: 'dead-letter', reason };
  }

  /** Starts no further message, and resolves when every batch has ended. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.allSettled(this.#batches);
    this.breaker.dispose();
    this.backlogLimit.dispose();
  }
}

/**
 * How long a batch may hold up other partitions. A batch of a backlog can take minutes. The shorter this is,
 * the more often its rest, up to KAFKA_FETCH_MAX_BYTES, is fetched and decoded again.
 */
const MAX_BATCH_MS = 2000;

/** With the default window 1,000 open orders: as many as one worker caches by default. */
const DEFAULT_WINDOWS_OPEN = 5;

const sourceOf = (
  { topic, partition }: { readonly topic: string; readonly partition: number },
  { offset }: ConsumedMessage,
): MessageSource => ({ topic, partition, offset });

/**
 * How often a batch reports its progress and offers to send a heartbeat: often enough that a commit
 * finds what is finished, and that a revoked partition is noticed.
 */
const heartbeatCheckMs = ({
  commitIntervalMs,
  heartbeatIntervalMs,
}: BridgeSettings['bridge']): number => Math.min(500, commitIntervalMs, heartbeatIntervalMs);

/**
 * A child of the producer's span where the headers name one. The attributes follow OpenTelemetry's
 * semantic conventions for messaging.
 */
const consumeSpan = (
  message: ConsumedMessage,
  { topic, partition, offset }: MessageSource,
  groupId: string,
): SpanDescription => ({
  name: 'consume_order',
  kind: SpanKind.CONSUMER,
  parent: contextOf(message.headers ?? {}),
  attributes: {
    'messaging.system': 'kafka',
    'messaging.operation.type': 'process',
    'messaging.operation.name': 'consume_order',
    'messaging.destination.name': topic,
    'messaging.destination.partition.id': String(partition),
    'messaging.kafka.offset': Number(offset),
    'messaging.consumer.group.name': groupId,
  },
});
