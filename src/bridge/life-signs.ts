/**
 * Watches whether the consumer still does anything. Every heartbeat, fetch, join and crash is a sign
 * of life; kafkajs gives one several times a minute even while the broker is away.
 */
export interface LifeSigns {
  readonly sign: () => void;
  /** Why the consumer does not count as connected, or undefined when it does. */
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
  let hasJoined = false;
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
      hasJoined = true;
      silentTicks = 0;
    },
    reason() {
      if (!hasJoined) return 'the consumer group has not been joined yet';
      const silentMs = silentTicks * TICK_MS;
      return silentMs > silenceMs
        ? `no heartbeat and no fetch has succeeded for ${silentMs / 1000} s`
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
