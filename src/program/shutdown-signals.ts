const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

type Signal = (typeof SIGNALS)[number];

/** 128 and the signal's number, as a shell reports it (SIGINT is 2, SIGTERM 15). */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

export interface ShutdownSignals {
  /** Calls `shutDown` on the first SIGTERM or SIGINT. Answers with a function that stops listening. */
  onFirst(shutDown: (signal: string) => void): () => void;
}

const listeners = new Set<(signal: Signal) => void>();
let isHandling = false;

/**
 * Handles SIGTERM and SIGINT from now on: while nobody listens they end the process. To be called
 * first of all. Linux discards a signal without a handler for the process with the ID 1, which a
 * container's program is, so that a container could not be stopped while its program starts or
 * closes.
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

/** As if there were no handler, so that a shell sees what ended the process; 1 has to exit instead. */
function endBy(signal: Signal): void {
  process.off(signal, received);
  process.kill(process.pid, signal);
  process.exit(EXIT_CODES[signal]);
}

/** The first signal asks for a clean shutdown; a second one ends the process at once. */
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

/** A limit on how long a program may take to close. */
export interface ShutdownLimit {
  /**
   * It closes from now on; the first call counts.
   *
   * @param exitCode of the process if it does not close in time
   */
  begin(exitCode: number): void;
  /** It has closed. */
  lift(): void;
}

/**
 * Ends the process when it takes longer than this to close, such as for a server that does not answer.
 *
 * @param onLimit called just before
 */
export function createShutdownLimit(limitMs: number, onLimit: () => void): ShutdownLimit {
  let timer: NodeJS.Timeout | undefined;
  return {
    begin(exitCode) {
      timer ??= setTimeout(() => {
        onLimit();
        process.exit(exitCode);
      }, limitMs).unref();
    },
    lift() {
      clearTimeout(timer);
    },
  };
}
