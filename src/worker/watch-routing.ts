import { systemClock, type Clock } from '../program/clock.ts';
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
 * @param readProblem resolves with undefined when there is none
 * @returns a function that stops checking
 */
export function watchRouting(
  readProblem: () => Promise<RoutingProblem | undefined>,
  logger: Logger,
  clock: Clock = systemClock,
): () => void {
  let logged: { readonly problem: string; readonly at: number } | undefined;
  const check = async () => {
    const routing = await readProblem();
    if (!routing) {
      if (logged) logger.info({ event: 'orders_routed' }, 'new orders reach workers again');
      logged = undefined;
      return;
    }
    const { problem, fix } = routing;
    if (logged?.problem === problem && clock.now() - logged.at < LOG_INTERVAL_MS) return;
    logged = { problem, at: clock.now() };
    logger.warn({ event: 'orders_not_routed', problem, remedy: fix }, problem);
  };
  return clock.every(INTERVAL_MS, () => {
    // An outage of Temporal is reported elsewhere.
    check().catch(() => undefined);
  });
}
