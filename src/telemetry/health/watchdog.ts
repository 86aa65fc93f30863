import { systemClock, type Clock } from '../../program/clock.ts';

/*
 * The watchdog and the stall detector count ticks instead of comparing times: while a process was suspended,
 * it was neither silent nor stalled.
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
        onTimeout(new Error(`no consumer event for ${DEAD_AFTER_MS / 1000} s`));
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
      ? `no consumer event for ${this.#silentMs / 1000} s`
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
 * of Temporal, waiting is correct: a restart would not help.
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
      ? `${this.#inFlight()} messages are in flight, and none has finished for ${idleMs / 1000} s`
      : undefined;
  }

  stop(): void {
    this.#stopTicking();
  }
}

/** How long the committed offset of a partition may stay where it is while the partition has lag. */
const COMMIT_STALLED_AFTER_MS = 600_000;

/** How far a consumer group has read one partition. */
export interface PartitionProgress {
  readonly topic: string;
  readonly partition: number;
  /** Undefined where the group has no committed offset. */
  readonly committed: bigint | undefined;
  /** The number of offsets after the committed one. */
  readonly lag: bigint;
}

export interface CommitProgress {
  /** Each sample is a new list; while none can be taken, the last one stays. */
  readonly partitions: readonly PartitionProgress[];
  /** Whether this process reads the partition. */
  readonly isOwn: (partition: PartitionProgress) => boolean;
}

/**
 * Detects partitions that have lag and whose committed offset does not move, whatever the reason. Heartbeats
 * and fetches can succeed while, for example, a transaction that never ends holds back the messages after it.
 */
export class CommitStallDetector {
  readonly #read: () => CommitProgress;
  readonly #clock: Clock;
  readonly #stopTicking: () => void;
  #sample: readonly PartitionProgress[] | undefined;
  /** By topic and partition with lag: from which sample to which the committed offset was the same. */
  readonly #unmoved = new Map<string, UnmovedOffset>();

  constructor(read: () => CommitProgress, clock: Clock = systemClock) {
    this.#read = read;
    this.#clock = clock;
    this.#stopTicking = clock.every(TICK_MS, () => {
      this.#compare();
    });
  }

  /** Why partitions count as stalled, or undefined. */
  reason(): string | undefined {
    const stalled = [...this.#unmoved.values()]
      .map(({ topic, partition, since, until }) => ({ topic, partition, ms: until - since }))
      .filter(({ ms }) => ms >= COMMIT_STALLED_AFTER_MS);
    if (stalled.length === 0) return undefined;
    const texts = stalled.map(
      ({ topic, partition, ms }) =>
        `partition ${partition} of "${topic}" for ${Math.floor(ms / 60_000)} min`,
    );
    return `no offset committed although there is lag: ${texts.join(', ')}`;
  }

  stop(): void {
    this.#stopTicking();
  }

  #compare(): void {
    const { partitions, isOwn } = this.#read();
    if (partitions === this.#sample) return;
    this.#sample = partitions;
    const now = this.#clock.now();
    for (const progress of partitions) {
      const { topic, partition, committed, lag } = progress;
      const key = `${topic}/${partition}`;
      const before = this.#unmoved.get(key);
      if (!isOwn(progress) || lag === 0n) {
        this.#unmoved.delete(key);
      } else if (before && before.committed === committed) {
        before.until = now;
      } else {
        this.#unmoved.set(key, { topic, partition, committed, since: now, until: now });
      }
    }
  }
}

interface UnmovedOffset {
  readonly topic: string;
  readonly partition: number;
  readonly committed: bigint | undefined;
  readonly since: number;
  until: number;
}
