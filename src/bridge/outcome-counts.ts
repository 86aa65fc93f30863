import type { DeadLetterReason } from '../contract/dead-letter.ts';
import type { Logger } from '../telemetry/logger.ts';

/** How a message ended. */
export type MessageOutcome =
  | { readonly kind: 'started' }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'dead-letter'; readonly reason: DeadLetterReason };

/** Counts since the bridge started. A message that is read and has no outcome yet is in flight. */
export interface OutcomeSnapshot {
  readonly read: number;
  readonly started: number;
  readonly duplicates: number;
  readonly deadLetters: Readonly<Partial<Record<DeadLetterReason, number>>>;
}

/** Counts messages by their outcome. */
export class OutcomeCounts {
  #read = 0;
  #recorded = 0;
  #started = 0;
  #duplicates = 0;
  readonly #deadLetters: Partial<Record<DeadLetterReason, number>> = {};

  /** A message is in flight. */
  begin(): void {
    this.#read += 1;
  }

  /** A message in flight is abandoned without an outcome; whoever reads the partition next reads it again. */
  abandon(): void {
    this.#read -= 1;
  }

  /** A message in flight has ended. */
  record(outcome: MessageOutcome): void {
    this.#recorded += 1;
    switch (outcome.kind) {
      case 'started':
        this.#started += 1;
        break;
      case 'duplicate':
        this.#duplicates += 1;
        break;
      case 'dead-letter':
        this.#deadLetters[outcome.reason] = (this.#deadLetters[outcome.reason] ?? 0) + 1;
        break;
      default:
        outcome satisfies never;
    }
  }

  /** Messages with an outcome. */
  get recorded(): number {
    return this.#recorded;
  }

  /** Messages without an outcome yet. */
  get inFlight(): number {
    return this.#read - this.#recorded;
  }

  snapshot(): OutcomeSnapshot {
    return {
      read: this.#read,
      started: this.#started,
      duplicates: this.#duplicates,
      deadLetters: { ...this.#deadLetters },
    };
  }
}

/** Logs the counts at intervals and once more when stopped, if they have changed since the last line. */
export function logProgress(
  counts: OutcomeCounts,
  logger: Logger,
  intervalMs: number,
): { stop(): void } {
  let logged = '';
  const log = () => {
    const snapshot = counts.snapshot();
    const state = JSON.stringify(snapshot);
    if (state === logged) return;
    logged = state;
    logger.info({ event: 'bridge_progress', ...snapshot }, 'messages so far');
  };
  const timer = setInterval(log, intervalMs);
  return {
    stop() {
      clearInterval(timer);
      log();
    },
  };
}
