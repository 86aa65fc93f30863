import { createHash } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { SpanKind } from '@opentelemetry/api';
import type { BridgeSettings } from '../config/roles.ts';
import { requeuedPriority, type DeadLetterReason } from '../contract/dead-letter.ts';
import type { MessageSource } from '../contract/message.ts';
import type { StartPreferences } from '../contract/order-module.ts';
import type { Priority } from '../contract/priority.ts';
import type { ConsumedMessage, PartitionBatch } from '../kafka/consumer/consumed-message.ts';
import { removedParts } from '../kafka/truncated-records.ts';
import type { Identified, IdentifiedOrder, MessageReader } from '../order-module/message-reader.ts';
import { checkPreferences } from '../order-module/start-preferences.ts';
import { describeError } from '../program/operator-error.ts';
import { promiseWithResolvers } from '../program/promise-with-resolvers.ts';
import type { Logger } from '../telemetry/logger.ts';
import { RateLimitedLog } from '../telemetry/rate-limited-log.ts';
import type { Conditions } from '../telemetry/health/health.ts';
import { contextOf, inSpan, markActiveSpan, type SpanDescription } from '../telemetry/tracing.ts';
import { isThrottled } from '../temporal/temporal-error.ts';
import type { DeadLetter, DeadLetterWriter } from './dead-letter-writer.ts';
import { AdaptiveConcurrencyLimit } from './flow-control/adaptive-concurrency-limit.ts';
import { BacklogLimit, type OpenOrders } from './flow-control/backlog-limit.ts';
import { CircuitBreaker } from './flow-control/circuit-breaker.ts';
import { Drain } from './flow-control/drain.ts';
import { KeyedSequencer } from './flow-control/keyed-sequencer.ts';
import { Semaphore } from './flow-control/semaphore.ts';
import { OutcomeCounts, type MessageOutcome } from './outcome-counts.ts';
import { BatchProgress } from './batch-progress.ts';
import { createRetryForever, type RetryForever } from './retry-forever.ts';
import type { OrderToStart } from './start-request.ts';
import type { StartOutcome, WorkflowStarter } from './workflow-starter.ts';

/** What the pipeline works on. */
export interface PipelinePorts {
  readonly reader: Pick<MessageReader, 'identify' | 'prepare'>;
  readonly starter: WorkflowStarter;
  readonly openOrders: OpenOrders;
  readonly deadLetters: DeadLetterWriter;
  readonly readiness: Conditions;
  readonly logger: Logger;
  /** The priority of every order, instead of what the order module prefers. */
  readonly priority?: Priority | undefined;
  /** Receives how long Temporal took to answer each start, in seconds. */
  readonly startDuration?: { observe(seconds: number): void } | undefined;
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
  readonly #concurrency: Semaphore;
  readonly #sequencer = new KeyedSequencer();
  readonly #retryTemporal: RetryForever;
  readonly #retryDeadLetters: RetryForever;
  readonly #retrySchemaRegistry: RetryForever;
  readonly #preferenceProblems: RateLimitedLog;
  readonly #moduleFailures: RateLimitedLog;
  readonly #stopping = new AbortController();
  readonly #batches = new Set<Promise<void>>();

  constructor(settings: BridgeSettings, ports: PipelinePorts) {
    const { bridge } = settings;
    const { readiness, logger } = ports;
    this.#settings = settings;
    this.#ports = ports;
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
    this.#preferenceProblems = new RateLimitedLog(logger);
    this.#retryTemporal = createRetryForever('Temporal', {
      readiness,
      logger,
      isThrottled,
      ...(ports.explainTemporal ? { explain: ports.explainTemporal } : {}),
    });
    this.#retryDeadLetters = createRetryForever('the dead-letter topic', { readiness, logger });
    this.#retrySchemaRegistry = createRetryForever('the schema registry', { readiness, logger });
    this.#moduleFailures = new RateLimitedLog(logger);
    // Each batch listens.
    setMaxListeners(0, this.#stopping.signal);
  }

  /**
   * Ingests the batch of one partition. It resolves when all messages are finished, or ends early:
   * - when the bridge stops, the group rebalances or a message fails unexpectedly, no further message
   *   starts, those in flight get the grace period, and the rest is left for whoever reads the
   *   partition next;
   * - when the partition is revoked, the messages in flight are abandoned at once.
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
        await this.breaker.pass(drain.draining);
        const preparing = this.#prepare(message, drain.draining);
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
    const identifying = this.#identify(message, signal);
    // Most decoders are synchronous, and waiting would cost every message.
    const identified = identifying instanceof Promise ? await identifying : identifying;
    if (identified.kind === 'unusable') {
      const { reason, error } = identified;
      const value = describeValue(message.value, this.#settings.logging.valueBytes);
      logger.warn({ event: 'message_decode_failed', ...source, reason, error, ...value }, error);
      return deadLetter(reason, error);
    }

    const { orderId, fingerprint, text, fingerprintProblem } = identified;
    if (fingerprintProblem !== undefined) {
      this.#moduleFailures.write(
        'error',
        { event: 'order_module_failed', ...source, orderId, error: fingerprintProblem },
        'the order module has a fault; the order waits in Temporal until a worker with a corrected module translates it',
        fingerprintProblem,
      );
    }
    markActiveSpan({ 'order_ingest.order_id': orderId });
    const answer = await this.#start(
      {
        orderId,
        fingerprint,
        message: { text, source: { ...source, timestamp: message.timestamp } },
        start: this.#startPreferences(identified, message, source),
      },
      signal,
    );
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

  /**
   * Waits until the schema of the message is there, for as long as that takes; undefined if there is nothing to
   * wait for. The message holds no permit meanwhile, so that those whose schema is known go on. Ends when the
   * signal is aborted.
   */
  #prepare({ value }: ConsumedMessage, signal: AbortSignal): Promise<void> | undefined {
    const { reader } = this.#ports;
    const preparing = reader.prepare(value);
    if (!preparing) return undefined;
    const call = continuing<unknown>(preparing, () => reader.prepare(value));
    return untilAborted(this.#retrySchemaRegistry(call, signal), signal);
  }

  /** A promise only if the schema is not there, as in a replay, which prepares nothing. */
  #identify({ value }: ConsumedMessage, signal: AbortSignal): Identified | Promise<Identified> {
    const { reader } = this.#ports;
    const { maxInputBytes } = this.#settings.bridge;
    const identified = reader.identify(value, maxInputBytes);
    if (!(identified instanceof Promise)) return identified;
    const call = continuing(identified, () => reader.identify(value, maxInputBytes));
    return this.#retrySchemaRegistry(call, signal);
  }

  /** What the order module prefers, with the priority of the replay or requeue that the message is part of. */
  #startPreferences(
    order: IdentifiedOrder,
    { headers }: ConsumedMessage,
    source: MessageSource,
  ): StartPreferences | undefined {
    const { start, problems } = checkPreferences(order.start);
    const { startProblem } = order;
    for (const problem of startProblem ? [...problems, startProblem] : problems) {
      const fields = { event: 'start_preference_invalid', ...source, problem };
      const text = 'invalid start preferences of the order module were corrected or left out';
      this.#preferenceProblems.write('warn', fields, `${text}: ${problem}`, problem);
    }
    const priority = this.#ports.priority ?? requeuedPriority(headers);
    return priority === undefined ? start : { ...start, priority };
  }

  /** Starts the order's workflow once the gates for starts let it pass. */
  async #start(order: OrderToStart, signal: AbortSignal): Promise<StartOutcome> {
    await this.#sequencer.acquire(order.orderId, signal);
    try {
      await this.backlogLimit.acquire(signal);
      try {
        const outcome = await this.#retryTemporal(
          () => this.startLimit.run(() => this.#attemptStart(order), signal),
          signal,
        );
        if (outcome.kind === 'started') this.backlogLimit.started(outcome.workflow, outcome.start);
        return outcome;
      } finally {
        this.backlogLimit.release();
      }
    } finally {
      this.#sequencer.release(order.orderId);
    }
  }

  async #attemptStart(order: OrderToStart): Promise<StartOutcome> {
    const { starter, startDuration } = this.#ports;
    const sentAt = performance.now();
    const outcome = await starter.start(order);
    startDuration?.observe((performance.now() - sentAt) / 1000);
    return outcome;
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

/** Waits for the work until the signal is aborted: the registry may be asked for a while longer. */
async function untilAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = promiseWithResolvers<undefined>();
  const end = () => {
    aborted.resolve(undefined);
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** A call to retry whose first attempt has begun already. */
function continuing<Result>(
  first: Promise<Result>,
  again: () => Result | Promise<Result>,
): () => Promise<Result> {
  let attempt: Promise<Result> | undefined = first;
  // If the signal is aborted already, nobody waits for it.
  first.catch(() => undefined);
  return async () => {
    const current = attempt ?? again();
    attempt = undefined;
    return current;
  };
}

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

/** What is logged of a value that cannot be decoded. */
interface ValueDescription {
  /** In bytes; null for a message without a value. */
  readonly length: number | null;
  readonly sha256?: string;
  /** The first bytes: `\xNN` for what is not printable ASCII, `\\` for a backslash. */
  readonly firstBytes?: string;
}

/** @param shownBytes how many of its first bytes to include; they may be personal data */
function describeValue(value: Buffer | null, shownBytes: number): ValueDescription {
  if (value === null) return { length: null };
  return {
    length: value.length,
    sha256: createHash('sha256').update(value).digest('hex'),
    ...(shownBytes > 0 ? { firstBytes: printable(value.subarray(0, shownBytes)) } : {}),
  };
}

const printable = (bytes: Buffer): string =>
  bytes
    .toString('latin1')
    .replaceAll('\\', '\\\\')
    .replace(
      /[^ -~]/g,
      (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
    );
