import { processSignals } from '../program/shutdown-signals.ts';

/** Runs work that the first Ctrl-C asks to end cleanly; a second one ends the process. */
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
