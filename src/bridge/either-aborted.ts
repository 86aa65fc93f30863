import { setMaxListeners } from 'node:events';

/**
 * A signal that is aborted with the first of the others. Unlike `AbortSignal.any` it can be let go
 * of: on Node 20 a signal that lives as long as the process would keep every one ever made from it.
 */
export function eitherAborted(...signals: readonly AbortSignal[]): {
  readonly signal: AbortSignal;
  dispose(): void;
} {
  const controller = new AbortController();
  // Each message in flight listens.
  setMaxListeners(0, controller.signal);
  const abort = () => {
    controller.abort(signals.find(({ aborted }) => aborted)?.reason);
  };
  for (const signal of signals) {
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  }
  return {
    signal: controller.signal,
    dispose() {
      for (const signal of signals) signal.removeEventListener('abort', abort);
    },
  };
}
