import { processSignals } from '../program/shutdown-signals.ts';

/** Runs work whose signal the first Ctrl-C aborts, so that it ends cleanly. A second Ctrl-C ends the process. */
export async function untilInterrupted<Result>(
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const interrupted = new AbortController();
  const stopListening = processSignals.onFirst(() => {
    interrupted.abort();
  });
  try {
    return await work(interrupted.signal);
  } finally {
    stopListening();
  }
}
