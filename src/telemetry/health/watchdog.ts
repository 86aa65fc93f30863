import { systemClock, type Clock } from '../../program/clock.ts';

/*
 * Both watchdogs count ticks instead of comparing times: a process that was suspended has not been
 * silent or stalled meanwhile.
 */
const TICK_MS = 1000;

/** How long the consumer may be silent before the program is reported as not alive. */
const HUNG_AFTER_MS = 90_000;
/** How long before the program gives up on the consumer and ends. */
const DEAD_AFTER_MS = 180_000;

/**
 * Detects a consumer that hangs, which is silent. A consumer that runs reports an event several times a
 * minute: a heartbeat, a fetch, a join or a crash. An event says nothing about whether it succeeded, so
 * that an outage of Kafka is not silence: whether the consumer reaches Kafka is decided elsewhere
 * (kafka/consumer/connection-state.ts).
 */
export class ConsumerWatchdog {
  readonly #silenceMs: number;
  readonly #stopTicking: () => void;
  #silentTicks = 0;

  /**
   * @param options.silenceMs how long the consumer may be silent before the program is not ready
   * @param options.onTimeout called once the consumer has been silent for three minutes
   */
  constructor(options: {
    readonly silenceMs: number;
    readonly onTimeout: (error: Error) => void;
    readonly clock?: Clock;
  }) {
    const { silenceMs, onTimeout, clock = systemClock } = options;
    this.#silenceMs = silenceMs;
    this.#stopTicking = clock.every(TICK_MS, () => {
      this.#silentTicks += 1;
      if (this.#silentMs === DEAD_AFTER_MS) {
        onTimeout(new Error(`no sign of life for ${DEAD_AFTER_MS / 1000} s`));
      }
    });
  }

  /** The consumer has reported an event. */
  touch(): void {
    this.#silentTicks = 0;
  }

  /** Why the consumer does not count as connected, or undefined. */
  unreadyReason(): string | undefined {
    return this.#silentMs > this.#silenceMs
      ? `no heartbeat and no fetch has ended for ${this.#silentMs / 1000} s`
      : undefined;
  }

  /** Why the consumer counts as hung, or undefined. */
  hungReason(): string | undefined {
    return this.#silentMs >= HUNG_AFTER_MS
      ? `the consumer has given no sign of life for ${this.#silentMs / 1000} s`
      : undefined;
  }

  stop(): void {
    this.#stopTicking();
  }

  get #silentMs(): number {
    return this.#silentTicks * TICK_MS;
  }
}

/** How long no message may finish, although nothing is known to delay them. */
const STALLED_AFTER_MS = 120_000;

/**
 * Detects messages in flight that never finish. While something is known to delay them, such as an outage
 * of Temporal, waiting is right: a restart would not help.
 */
export class StallDetector {
  readonly #inFlight: () => number;
  readonly #stopTicking: () => void;
  #idleTicks = 0;

  constructor(options: {
    readonly inFlight: () => number;
    /** How many messages have finished so far. */
    readonly finished: () => number;
    readonly isDelayKnown: () => boolean;
    readonly clock?: Clock;
  }) {
    const { inFlight, finished, isDelayKnown, clock = systemClock } = options;
    this.#inFlight = inFlight;
    let last = finished();
    this.#stopTicking = clock.every(TICK_MS, () => {
      const now = finished();
      const isIdle = inFlight() > 0 && now === last && !isDelayKnown();
      this.#idleTicks = isIdle ? this.#idleTicks + 1 : 0;
      last = now;
    });
  }

  /** Why the messages count as stalled, or undefined. */
  reason(): string | undefined {
    const idleMs = this.#idleTicks * TICK_MS;
    return idleMs >= STALLED_AFTER_MS
      ? `${this.#inFlight()} messages are under way, and none has been finished for ${idleMs / 1000} s`
      : undefined;
  }

  stop(): void {
    this.#stopTicking();
  }
}
