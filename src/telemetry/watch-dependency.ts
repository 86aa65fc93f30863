import type { OutageReport } from './outage-report.ts';

const INTERVAL_MS = 5000;

/** Asks a dependency now and every five seconds whether it is there. Answers with how to stop. */
export function watchDependency(ask: () => Promise<unknown>, report: OutageReport): () => void {
  let isAsking = false;
  const askOnce = async () => {
    if (isAsking) return;
    isAsking = true;
    try {
      await ask();
      report.succeeded();
    } catch (error) {
      report.failed(error);
    } finally {
      isAsking = false;
    }
  };
  void askOnce();
  const timer = setInterval(() => void askOnce(), INTERVAL_MS);
  return () => {
    clearInterval(timer);
  };
}
