import { setTimeout as delay } from 'node:timers/promises';
import { errorChain } from '../kafka-error.ts';

const MAX_CRASHES = 6;
const FIRST_RESTART_MS = 500;
const LONGEST_RESTART_MS = 10_000;

export interface ComebackOptions {
  readonly run: () => Promise<void>;
  readonly onFinalCrash: (error: Error) => void;
  /** Rejects when the signal is aborted. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Decides when a consumer runs again after an error. kafkajs restarts it by itself after some errors,
 * at once and without limit: those wait for a while that grows up to ten seconds. For others kafkajs
 * ends the consumer. Many of them, such as a TypeError while the broker is down, are transient; what
 * is not is final after a minute, unless it says that Kafka is unavailable.
 */
export class Comeback {
  readonly #run: () => Promise<void>;
  readonly #onFinalCrash: (error: Error) => void;
  readonly #wait: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly #stopping = new AbortController();
  #underWay: Promise<void> | undefined;
  /** Since the consumer last got through to Kafka. */
  #restarts = 0;
  #crashes = 0;

  constructor({ run, onFinalCrash, wait = waitFor }: ComebackOptions) {
    this.#run = run;
    this.#onFinalCrash = onFinalCrash;
    this.#wait = wait;
  }

  /** To be awaited before kafkajs restarts the consumer by itself; false when it should not. */
  async beforeRestart(): Promise<boolean> {
    const waitMs = this.#restartDelayMs();
    await this.#wait(waitMs, this.#stopping.signal).catch(() => undefined);
    return !this.#stopping.signal.aborted;
  }

  /** Runs the consumer after a while that grows with each crash. */
  afterCrash(error: Error): void {
    if (this.#stopping.signal.aborted) return;
    let waitMs: number;
    if (errorChain(error).some(({ name }) => OUTAGES.includes(name))) {
      waitMs = this.#restartDelayMs();
    } else {
      this.#crashes += 1;
      if (this.#crashes > MAX_CRASHES) {
        this.#onFinalCrash(error);
        return;
      }
      waitMs = 2 ** this.#crashes * 500;
    }
    const underWay = this.#wait(waitMs, this.#stopping.signal)
      .then(() => this.#run())
      .catch((failure: unknown) => {
        if (!this.#stopping.signal.aborted) this.#onFinalCrash(failure as Error);
      })
      .finally(() => {
        if (this.#underWay === underWay) this.#underWay = undefined;
      });
    this.#underWay = underWay;
  }

  /** The consumer works again in every respect. */
  succeeded(): void {
    this.#restarts = 0;
    this.#crashes = 0;
  }

  /** Gives up coming back; resolves when nothing of it is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#underWay;
  }

  #restartDelayMs(): number {
    this.#restarts += 1;
    return Math.min(FIRST_RESTART_MS * 2 ** (this.#restarts - 1), LONGEST_RESTART_MS);
  }
}

/** Errors that kafkajs calls final, although they only say that a broker is down or does not answer. */
const OUTAGES: readonly string[] = [
  'KafkaJSGroupCoordinatorNotFound',
  'KafkaJSLockTimeout',
  'KafkaJSTimeout',
];

const waitFor = (ms: number, signal: AbortSignal): Promise<void> =>
  delay(ms, undefined, { signal });
