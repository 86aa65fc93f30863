import type { OutageReport } from './health/dependency-health.ts';

const INTERVAL_MS = 5000;
/** While it does not answer, so that the end of an outage is noticed soon. */
const RETRY_INTERVAL_MS = 1000;

/**
 * Asks a dependency now and every five seconds whether it is available, every second while it fails.
 * Answers with how to stop.
 *
 * @param ask answers undefined while there is nothing to ask with: that says nothing about the dependency
 */
export function watchDependency(
  ask: () => Promise<unknown> | undefined,
  report: OutageReport,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  const askOnce = async () => {
    let waitMs = INTERVAL_MS;
    try {
      const answer = ask();
      if (answer) {
        await answer;
        report.succeeded();
      }
    } catch (error) {
      waitMs = RETRY_INTERVAL_MS;
      if (!isStopped) report.failed(error);
    }
    if (!isStopped) timer = setTimeout(() => void askOnce(), waitMs);
  };
  void askOnce();
  return () => {
    isStopped = true;
    clearTimeout(timer);
    report.abandoned();
  };
}
