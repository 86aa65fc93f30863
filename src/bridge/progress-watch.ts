const TICK_MS = 1000;
/** So long without a message finished although nothing is in its way, and the loop counts as stuck. */
const STUCK_AFTER_MS = 120_000;

export interface ProgressWatch {
  /** Why the loop counts as stuck, or undefined while it gets on. */
  readonly reason: () => string | undefined;
  dispose(): void;
}

/**
 * Watches whether messages that are under way come to an end. While something that is known stands in
 * the way, such as a Temporal that is away, waiting is right, and a restart would help nobody.
 */
export function watchProgress(options: {
  readonly inFlight: () => number;
  readonly finished: () => number;
  /** Whether something is known that holds messages up. */
  readonly isHeldUp: () => boolean;
}): ProgressWatch {
  const { inFlight, finished, isHeldUp } = options;
  let last = finished();
  // Ticks instead of the clock: a process that was frozen has not been stuck meanwhile.
  let idleTicks = 0;
  const timer = setInterval(() => {
    const now = finished();
    const isWaiting = inFlight() > 0 && now === last && !isHeldUp();
    idleTicks = isWaiting ? idleTicks + 1 : 0;
    last = now;
  }, TICK_MS);
  return {
    reason() {
      const idleMs = idleTicks * TICK_MS;
      return idleMs >= STUCK_AFTER_MS
        ? `${inFlight()} messages are under way, and none has been finished for ${idleMs / 1000} s`
        : undefined;
    },
    dispose() {
      clearInterval(timer);
    },
  };
}
