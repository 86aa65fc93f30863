const SIGNALS = ['SIGTERM', 'SIGINT'] as const;

/** 128 and the signal's number, as a shell reports it (SIGINT is 2, SIGTERM 15). */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143 } as const;

export interface ShutdownSignals {
  /** Calls `shutDown` on the first SIGTERM or SIGINT. Answers with a function that stops listening. */
  onFirst(shutDown: (signal: string) => void): () => void;
}

/** The first signal asks for a clean shutdown; a second one ends the process at once. */
export const processSignals: ShutdownSignals = {
  onFirst(shutDown) {
    let isShuttingDown = false;
    const listener = (signal: (typeof SIGNALS)[number]) => {
      if (isShuttingDown) process.exit(EXIT_CODES[signal]);
      isShuttingDown = true;
      shutDown(signal);
    };
    for (const signal of SIGNALS) process.on(signal, listener);
    return () => {
      for (const signal of SIGNALS) process.off(signal, listener);
    };
  },
};
