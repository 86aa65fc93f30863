const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

type Signal = (typeof SIGNALS)[number];

/** 128 + the number of the signal, as a shell reports it. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

export interface ShutdownSignals {
  /** Calls `shutDown` on the first SIGTERM or SIGINT. Returns a function that stops listening. */
  onFirst(shutDown: (signal: string) => void): () => void;
}

const listeners = new Set<(signal: Signal) => void>();
let isHandling = false;

/**
 * Handles SIGTERM and SIGINT from now on; they end the process while nothing listens. Call this before
 * anything else: Linux discards a signal for which the process with ID 1 has no handler. The program of a
 * container is that process, so the container could not be stopped while its program starts or closes.
 */
export function handleSignals(): void {
  if (isHandling) return;
  isHandling = true;
  for (const signal of SIGNALS) process.on(signal, received);
}

function received(signal: Signal): void {
  if (listeners.size === 0) endBy(signal);
  for (const listener of listeners) listener(signal);
}

/** Ends the process by the signal itself, so that a shell sees why it ended. Process 1 can only exit. */
function endBy(signal: Signal): void {
  process.off(signal, received);
  process.kill(process.pid, signal);
  process.exit(EXIT_CODES[signal]);
}

/** The first signal requests a clean shutdown; a second one ends the process at once. */
export const processSignals: ShutdownSignals = {
  onFirst(shutDown) {
    handleSignals();
    let isShuttingDown = false;
    const listener = (signal: Signal) => {
      if (isShuttingDown) process.exit(EXIT_CODES[signal]);
      isShuttingDown = true;
      shutDown(signal);
    };
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
    };
  },
};

/** How long closing may take beyond the grace period; `stop_grace_period` in docker-compose.yml exceeds their sum. */
export const CLOSING_MS = 5000;

/** A limit on the time that a program may take to close. */
export interface ShutdownLimit {
  /**
   * Starts the time limit; later calls change nothing.
   *
   * @param exitCode of the process if it does not close in time; 0 leaves `process.exitCode` as it is
   */
  begin(exitCode: number): void;
  /** Everything is closed, so the limit no longer applies. */
  lift(): void;
}

/**
 * Ends the process if closing takes longer than `limitMs`, for instance because a server does not answer.
 *
 * @param onLimit called just before the process ends
 */
export function createShutdownLimit(limitMs: number, onLimit: () => void): ShutdownLimit {
  let timer: NodeJS.Timeout | undefined;
  return {
    begin(exitCode) {
      timer ??= setTimeout(() => {
        onLimit();
        process.exit(exitCode === 0 ? process.exitCode : exitCode);
      }, limitMs).unref();
    },
    lift() {
      clearTimeout(timer);
    },
  };
}
