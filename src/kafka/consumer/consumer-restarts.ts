import { setTimeout as delay } from 'node:timers/promises';
import { isRejected } from '../kafka-error.ts';
import { errorChain } from '../kafkajs-errors.ts';

const MAX_CRASHES = 6;
const FIRST_CRASH_DELAY_MS = 1000;
const FIRST_RESTART_DELAY_MS = 500;
const MAX_RESTART_DELAY_MS = 10_000;

export interface ConsumerRestartsOptions {
  readonly run: () => Promise<void>;
  readonly onFinalCrash: (error: Error) => void;
  /** Rejects when the signal is aborted. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Decides when a consumer runs again after an error, with exponential backoff.
 *
 * After some errors kafkajs restarts the consumer by itself, immediately and without limit: these restarts
 * are delayed, by up to ten seconds. For other errors kafkajs ends the consumer. Many of them, such as a
 * TypeError while the broker is down, are transient: the consumer is run again, and given up only after
 * seven crashes without a success, which takes about a minute. Errors that say that Kafka is unavailable
 * are retried without limit, and so are those that an operator has to fix elsewhere: a password or certificate
 * that is being rotated, a permission that was revoked. An exit would only make the bridge start and fail
 * again and again.
 */
export class ConsumerRestarts {
  readonly #run: () => Promise<void>;
  readonly #onFinalCrash: (error: Error) => void;
  readonly #wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #stopping = new AbortController();
  #inProgress: Promise<void> | undefined;
  /** Restarts by kafkajs and after outages since the last `reset`. */
  #restarts = 0;
  /** Other crashes since the last `reset`. */
  #crashes = 0;

  constructor({ run, onFinalCrash, wait = waitFor }: ConsumerRestartsOptions) {
    this.#run = run;
    this.#onFinalCrash = onFinalCrash;
    this.#wait = wait;
  }

  /** Await it before kafkajs restarts the consumer by itself. Resolves to whether it may. */
  async beforeRestart(): Promise<boolean> {
    const delayMs = this.#nextRestartDelayMs();
    await this.#wait(delayMs, this.#stopping.signal).catch(() => undefined);
    return !this.#stopping.signal.aborted;
  }

  /** Runs the consumer again after a delay, or gives it up. */
  afterCrash(error: Error): void {
    if (this.#stopping.signal.aborted) return;
    let delayMs: number;
    if (errorChain(error).some(({ name }) => OUTAGES.includes(name)) || isRejected(error)) {
      delayMs = this.#nextRestartDelayMs();
    } else {
      this.#crashes += 1;
      if (this.#crashes > MAX_CRASHES) {
        this.#onFinalCrash(error);
        return;
      }
      delayMs = FIRST_CRASH_DELAY_MS * 2 ** (this.#crashes - 1);
    }
    const inProgress = this.#wait(delayMs, this.#stopping.signal)
      .then(() => this.#run())
      .catch((failure: unknown) => {
        if (!this.#stopping.signal.aborted) this.#onFinalCrash(failure as Error);
      })
      .finally(() => {
        if (this.#inProgress === inProgress) this.#inProgress = undefined;
      });
    this.#inProgress = inProgress;
  }

  /** The consumer works again in every respect. */
  reset(): void {
    this.#restarts = 0;
    this.#crashes = 0;
  }

  /** Stops restarting the consumer. Resolves when no restart is in progress. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#inProgress;
  }

  #nextRestartDelayMs(): number {
    this.#restarts += 1;
    return Math.min(FIRST_RESTART_DELAY_MS * 2 ** (this.#restarts - 1), MAX_RESTART_DELAY_MS);
  }
}

/** Errors for which kafkajs ends a consumer, although they only say that a broker is unavailable. */
const OUTAGES: readonly string[] = [
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSLockTimeout',
  'KafkaJSTimeout',
];

const waitFor = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal });
