import type { Logger } from '../telemetry/logger.ts';
import type { RoutingProblem } from '../temporal/queue-workers.ts';

const INTERVAL_MS = 10_000;
/** How often a problem that lasts is logged. */
const LOG_INTERVAL_MS = 300_000;

/**
 * Asks every ten seconds whether Temporal gives new workflows to workers that poll, and logs it when it
 * does not: with worker versioning, a version that is not current polls and gets nothing. Readiness
 * does not depend on it, since a rollout waits for ready workers before it makes their version
 * current. Answers with how to stop.
 */
export function watchRouting(
  ask: () => Promise<RoutingProblem | undefined>,
  logger: Logger,
): () => void {
  let logged: { readonly problem: string; readonly at: number } | undefined;
  const askOnce = async () => {
    const routing = await ask();
    if (!routing) {
      if (logged) logger.info({ event: 'orders_routed' }, 'new orders reach workers again');
      logged = undefined;
      return;
    }
    const { problem, fix } = routing;
    if (logged?.problem === problem && Date.now() - logged.at < LOG_INTERVAL_MS) return;
    logged = { problem, at: Date.now() };
    logger.warn({ event: 'orders_not_routed', problem, remedy: fix }, problem);
  };
  const timer = setInterval(() => {
    // An outage of Temporal is reported elsewhere.
    askOnce().catch(() => undefined);
  }, INTERVAL_MS);
  return () => {
    clearInterval(timer);
  };
}
