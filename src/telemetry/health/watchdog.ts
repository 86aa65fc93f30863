/**
 * Watches whether the consumer still does anything, which is not whether it gets through to Kafka. Every
 * heartbeat, fetch, join and crash is a sign of life, also one that has failed; kafkajs gives one several
 * times a minute even while the brokers are down.
 */
export interface LifeSigns {
  readonly sign: () => void;
  /** That the consumer has been silent for too long to count as connected, or undefined. */
  readonly reason: () => string | undefined;
  /** Why the consumer counts as hung, or undefined: long before the bridge ends for it. */
  readonly hangs: () => string | undefined;
  dispose(): void;
}

const TICK_MS = 1000;
/** So long without any sign, and the bridge is reported as not alive. */
const HUNG_AFTER_MS = 90_000;
/** So long, and the consumer is taken for dead. */
const DEAD_AFTER_MS = 180_000;

/**
 * @param options.silenceMs after how long the bridge is not ready
 * @param options.onDeath told once, when the consumer has been silent for three minutes
 */
export function watchForSigns(options: {
  readonly silenceMs: number;
  readonly onDeath: (error: Error) => void;
}): LifeSigns {
  const { silenceMs, onDeath } = options;
  // Ticks instead of the clock: a process that was frozen has not been silent meanwhile.
  let silentTicks = 0;
  const timer = setInterval(() => {
    silentTicks += 1;
    if (silentTicks * TICK_MS === DEAD_AFTER_MS) {
      onDeath(new Error(`no sign of life for ${DEAD_AFTER_MS / 1000} s`));
    }
  }, TICK_MS);
  return {
    sign() {
      silentTicks = 0;
    },
    reason() {
      const silentMs = silentTicks * TICK_MS;
      return silentMs > silenceMs
        ? `no heartbeat and no fetch has ended for ${silentMs / 1000} s`
        : undefined;
    },
    hangs() {
      const silentMs = silentTicks * TICK_MS;
      return silentMs >= HUNG_AFTER_MS
        ? `the consumer has given no sign of life for ${silentMs / 1000} s`
        : undefined;
    },
    dispose() {
      clearInterval(timer);
    },
  };
}
