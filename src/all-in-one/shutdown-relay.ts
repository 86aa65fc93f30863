import type { ShutdownSignals } from '../program/shutdown-signals.ts';

/** Asks one part of a program to shut down. */
export interface ShutdownRelay {
  readonly signals: ShutdownSignals;
  /** @param reason is logged by the part in place of the name of a signal */
  send(reason: string): void;
}

/**
 * @param others signals that the part reacts to as well
 */
export function createShutdownRelay(others?: ShutdownSignals): ShutdownRelay {
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
        const stopOthers = others?.onFirst(listener);
        if (sent !== undefined) listener(sent);
        return () => {
          listeners.delete(listener);
          stopOthers?.();
        };
      },
    },
    send(reason) {
      sent = reason;
      for (const listener of listeners) listener(reason);
    },
  };
}
