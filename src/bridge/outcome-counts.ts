import type { DeadLetterReason } from '../contract/dead-letter.ts';
import type { Logger } from '../telemetry/logger.ts';

/** What became of one message. */
export type MessageOutcome =
  | { readonly kind: 'started' }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'dead-letter'; readonly reason: DeadLetterReason };

/** Since the bridge started. Whatever is read and in none of the others is still under way. */
export interface OutcomeSnapshot {
  readonly read: number;
  readonly started: number;
  readonly duplicates: number;
  readonly deadLetters: Readonly<Partial<Record<DeadLetterReason, number>>>;
}

export interface OutcomeCounts {
  read(): void;
  /** A message that was given up, because its partition was lost; another bridge reads it again. */
  abandoned(): void;
  finished(outcome: MessageOutcome): void;
  snapshot(): OutcomeSnapshot;
  /** Messages that have come to an end. */
  readonly ended: () => number;
  /** Messages that have been read and have come to no end yet. */
  readonly inFlight: () => number;
}

export function createOutcomeCounts(): OutcomeCounts {
  let read = 0;
  let ended = 0;
  let started = 0;
  let duplicates = 0;
  const deadLetters: Partial<Record<DeadLetterReason, number>> = {};
  return {
    read: () => (read += 1),
    abandoned: () => (read -= 1),
    finished(outcome) {
      ended += 1;
      switch (outcome.kind) {
        case 'started':
          started += 1;
          break;
        case 'duplicate':
          duplicates += 1;
          break;
        case 'dead-letter':
          deadLetters[outcome.reason] = (deadLetters[outcome.reason] ?? 0) + 1;
          break;
        default:
          outcome satisfies never;
      }
    },
    snapshot: () => ({ read, started, duplicates, deadLetters: { ...deadLetters } }),
    ended: () => ended,
    inFlight: () => read - ended,
  };
}

/** Logs the counts now and then, and once more when stopped; never the same counts twice. */
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
