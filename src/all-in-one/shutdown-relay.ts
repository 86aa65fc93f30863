import type { ShutdownSignals } from '../program/shutdown-signals.ts';

/** Asks one part of a program to shut down. */
export interface ShutdownRelay {
  readonly signals: ShutdownSignals;
  /** Whether the part has begun to listen, and has not ended yet. */
  isHeard(): boolean;
  /** @param reason is logged by the part in place of the name of a signal */
  send(reason: string): void;
}

export function createShutdownRelay(): ShutdownRelay {
  const listeners = new Set<(reason: string) => void>();
  let sent: string | undefined;
  return {
    signals: {
      onFirst(shutDown) {
        let isShuttingDown = false;
        const listener = (reason: string) => {
          if (isShuttingDown) return;
          isShuttingDown = true;
          shutDown(reason);
        };
        listeners.add(listener);
        if (sent !== undefined) listener(sent);
        return () => {
          listeners.delete(listener);
        };
      },
    },
    isHeard: () => listeners.size > 0,
    send(reason) {
      sent = reason;
      for (const listener of listeners) listener(reason);
    },
  };
}
