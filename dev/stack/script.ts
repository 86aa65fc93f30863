import { constants } from 'node:os';
import { StackError } from './stack-error.ts';

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs a script, which fails with the message of a StackError, and without a stack trace. */
export async function runScript(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof StackError)) throw error;
    console.error(error.message);
    process.exitCode = 1;
  }
}

/**
 * Runs a script that has to clean up. Ctrl-C, or another signal that ends it, aborts the signal it is given; the
 * script then ends with the exit code of a killed process. A second one ends it at once.
 */
export async function runInterruptibly(
  work: (ending: AbortSignal) => Promise<void>,
): Promise<void> {
  const ending = new AbortController();
  const handlers = ENDING_SIGNALS.map((signal) => {
    const handler = () => {
      if (ending.signal.aborted) process.exit(128 + constants.signals[signal]);
      ending.abort(signal);
    };
    // Not `once`: execa ends the process on a signal for which it finds no other listener.
    process.on(signal, handler);
    return [signal, handler] as const;
  });
  try {
    await runScript(() => work(ending.signal));
  } catch (error) {
    if (!ending.signal.aborted) throw error;
  } finally {
    for (const [signal, handler] of handlers) process.off(signal, handler);
  }
  if (ending.signal.aborted) {
    const signal = ENDING_SIGNALS.find((one) => one === ending.signal.reason) ?? 'SIGTERM';
    process.exitCode = 128 + constants.signals[signal];
  }
}
