import { once } from 'node:events';
import type { Logger } from '../../telemetry/logger.ts';

/**
 * Stops the bridge when too many of the recent messages are dead letters: a producer has changed its
 * format, and a million dead letters help nobody.
 *
 * - **closed**: messages pass, and the outcomes of the latest are remembered;
 * - **open**: none passes, for `pauseMs` or until `close()`; then it has forgotten all outcomes.
 */
export interface CircuitBreaker {
  record(isDeadLetter: boolean): void;
  /** Resolves when messages may pass, or when the signal is aborted. */
  pass(signal: AbortSignal): Promise<void>;
  /** Why no message passes, or undefined when they do. */
  readonly reason: () => string | undefined;
  /** Closes it before its time; does nothing when it is closed. */
  close(): void;
  dispose(): void;
}

export interface CircuitBreakerOptions {
  /** Dead letters among the recent messages, in percent, above which it opens; 100 is never. */
  readonly maxPercent: number;
  /** How many messages are recent; fewer are too few to judge by. */
  readonly window: number;
  readonly pauseMs: number;
  readonly logger: Logger;
}

export function createCircuitBreaker(options: CircuitBreakerOptions): CircuitBreaker {
  const { maxPercent, window, pauseMs, logger } = options;
  let recent: boolean[] = [];
  let next = 0;
  let deadLetters = 0;
  let reopening: AbortController | undefined;
  let reason: string | undefined;
  let timer: NodeJS.Timeout | undefined;

  const close = () => {
    if (!reopening) return;
    clearTimeout(timer);
    reason = undefined;
    recent = [];
    next = 0;
    deadLetters = 0;
    logger.info({ event: 'circuit_breaker_closed' }, 'the bridge takes messages again');
    reopening.abort();
    reopening = undefined;
  };
  const open = () => {
    reopening = new AbortController();
    timer = setTimeout(close, pauseMs);
    reason = `${deadLetters} of the last ${window} messages are dead letters: the bridge takes no more for ${Math.round(pauseMs / 1000)} s, or until POST /resume. Has a producer changed its format?`;
    logger.error({ event: 'circuit_breaker_open', deadLetters, window, pauseMs }, reason);
  };
  return {
    record(isDeadLetter) {
      if (reopening) return;
      deadLetters += Number(isDeadLetter) - Number(recent[next] ?? false);
      recent[next] = isDeadLetter;
      next = (next + 1) % window;
      if (recent.length === window && deadLetters * 100 > maxPercent * window) open();
    },
    async pass(signal) {
      while (reopening && !signal.aborted) {
        await once(reopening.signal, 'abort', { signal }).catch(() => undefined);
      }
    },
    reason: () => reason,
    close,
    dispose() {
      clearTimeout(timer);
    },
  };
}
