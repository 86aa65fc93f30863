import type { Logger } from '../telemetry/logger.ts';
import type { RoutingProblem } from '../temporal/queue-workers.ts';

const INTERVAL_MS = 10_000;
/** How often a persistent problem is logged. */
const LOG_INTERVAL_MS = 300_000;

/**
 * Checks every ten seconds whether Temporal routes new workflows to workers that poll, and logs when it
 * does not: with worker versioning, workers whose version is not current poll and receive nothing.
 * Readiness does not depend on it, since a rollout waits until workers are ready before it makes their
 * version current.
 *
 * @param readProblem returns undefined when there is none
 * @returns a function that stops checking
 */
export function watchRouting(
  readProblem: () => Promise<RoutingProblem | undefined>,
  logger: Logger,
): () => void {
  let logged: { readonly problem: string; readonly at: number } | undefined;
  const checkOnce = async () => {
    const routing = await readProblem();
    if (!routing) {
      if (logged)
        logger.info({ event: 'orders_routed' }, 'Temporal routes new orders to workers again');
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
    checkOnce().catch(() => undefined);
  }, INTERVAL_MS);
  return () => {
    clearInterval(timer);
  };
}
