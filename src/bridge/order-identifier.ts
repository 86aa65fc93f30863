import { createHash } from 'node:crypto';
import type { BridgeSettings } from '../config/roles.ts';
import { requeuedPriority } from '../contract/dead-letter.ts';
import type { MessageSource } from '../contract/message.ts';
import type { StartPreferences } from '../contract/order-module.ts';
import type { Priority } from '../contract/priority.ts';
import type { ConsumedMessage } from '../kafka/consumer/consumed-message.ts';
import type { Identified, IdentifiedOrder, MessageReader } from '../order-module/message-reader.ts';
import { checkPreferences } from '../order-module/start-preferences.ts';
import { promiseWithResolvers } from '../program/promise-with-resolvers.ts';
import type { Logger } from '../telemetry/logger.ts';
import { RateLimitedLog } from '../telemetry/rate-limited-log.ts';
import type { Conditions } from '../telemetry/health/health.ts';
import { createRetryForever, type RetryForever } from './retry-forever.ts';
import type { OrderToStart } from './start-request.ts';

export interface IdentifierPorts {
  readonly reader: Pick<MessageReader, 'identify' | 'prepare'>;
  readonly readiness: Conditions;
  readonly logger: Logger;
  /** The priority of every order, instead of what the order module prefers. */
  readonly priority?: Priority | undefined;
}

/** What a message says: an order to start, or nothing usable. */
export type OrderOrUnusable =
  | { readonly kind: 'order'; readonly order: OrderToStart }
  | Extract<Identified, { kind: 'unusable' }>;

/** Finds the order of each message. Waits for the schema registry, and logs faults of the order module. */
export class OrderIdentifier {
  readonly #settings: Pick<BridgeSettings, 'bridge' | 'logging'>;
  readonly #ports: IdentifierPorts;
  readonly #retrySchemaRegistry: RetryForever;
  readonly #preferenceProblems: RateLimitedLog;
  readonly #moduleFailures: RateLimitedLog;

  constructor(settings: Pick<BridgeSettings, 'bridge' | 'logging'>, ports: IdentifierPorts) {
    const { logger, readiness } = ports;
    this.#settings = settings;
    this.#ports = ports;
    this.#retrySchemaRegistry = createRetryForever('the schema registry', { readiness, logger });
    this.#preferenceProblems = new RateLimitedLog(logger);
    this.#moduleFailures = new RateLimitedLog(logger);
  }

  /**
   * Waits until the schema of the message is there, for as long as that takes; undefined if there is nothing to
   * wait for. The message holds no permit meanwhile, so that those whose schema is known go on. Ends when the
   * signal is aborted.
   */
  prepare({ value }: ConsumedMessage, signal: AbortSignal): Promise<void> | undefined {
    const { reader } = this.#ports;
    const preparing = reader.prepare(value);
    if (!preparing) return undefined;
    const call = continuing<unknown>(preparing, () => reader.prepare(value));
    return untilAborted(this.#retrySchemaRegistry(call, signal), signal);
  }

  /**
   * A promise only if the schema is not there, as in a replay, which prepares nothing: to wait would cost every
   * message. It rejects only when the signal is aborted.
   */
  identify(
    message: ConsumedMessage,
    source: MessageSource,
    signal: AbortSignal,
  ): OrderOrUnusable | Promise<OrderOrUnusable> {
    const identified = this.#read(message, signal);
    return identified instanceof Promise
      ? identified.then((read) => this.#orderOf(read, message, source))
      : this.#orderOf(identified, message, source);
  }

  #read({ value }: ConsumedMessage, signal: AbortSignal): Identified | Promise<Identified> {
    const { reader } = this.#ports;
    const { maxInputBytes } = this.#settings.bridge;
    const identified = reader.identify(value, maxInputBytes);
    if (!(identified instanceof Promise)) return identified;
    const call = continuing(identified, () => reader.identify(value, maxInputBytes));
    return this.#retrySchemaRegistry(call, signal);
  }

  #orderOf(
    identified: Identified,
    message: ConsumedMessage,
    source: MessageSource,
  ): OrderOrUnusable {
    const { logger } = this.#ports;
    if (identified.kind === 'unusable') {
      const { reason, error } = identified;
      const value = describeValue(message.value, this.#settings.logging.valueBytes);
      logger.warn({ event: 'message_decode_failed', ...source, reason, error, ...value }, error);
      return identified;
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
    const order = {
      orderId,
      fingerprint,
      message: { text, source: { ...source, timestamp: message.timestamp } },
      start: this.#startPreferences(identified, message, source),
    };
    return { kind: 'order', order };
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
