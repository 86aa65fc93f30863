import { setTimeout as delay } from 'node:timers/promises';

const MAX_CRASHES = 6;

/**
 * Runs a consumer again after an error that kafkajs ends it for. Many of them, such as a TypeError
 * while the broker is away, pass; what does not is final after a minute.
 */
export class Comeback {
  readonly #run: () => Promise<void>;
  readonly #onFinalCrash: (error: Error) => void;
  readonly #stopping = new AbortController();
  #underWay: Promise<void> | undefined;
  /** Since a fetch last succeeded. */
  #crashes = 0;

  constructor(run: () => Promise<void>, onFinalCrash: (error: Error) => void) {
    this.#run = run;
    this.#onFinalCrash = onFinalCrash;
  }

  /** Runs the consumer after a while that doubles with each crash. */
  afterCrash(error: Error): void {
    this.#crashes += 1;
    if (this.#crashes > MAX_CRASHES) {
      this.#onFinalCrash(error);
      return;
    }
    const underWay = delay(2 ** this.#crashes * 500, undefined, { signal: this.#stopping.signal })
      .then(() => this.#run())
      .catch((failure: unknown) => {
        if (!this.#stopping.signal.aborted) this.#onFinalCrash(failure as Error);
      })
      .finally(() => {
        if (this.#underWay === underWay) this.#underWay = undefined;
      });
    this.#underWay = underWay;
  }

  /** The consumer is at work again. */
  succeeded(): void {
    this.#crashes = 0;
  }

  /** Gives up coming back; resolves when nothing of it is under way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#underWay;
  }
}
