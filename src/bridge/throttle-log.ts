import type { Logger } from '../telemetry/logger.ts';

const INTERVAL_MS = 30_000;

/** A line when Temporal begins to throttle, and one every half minute while it goes on. */
export function createThrottleLog(logger: Logger): (limit: number) => void {
  let loggedAt = 0;
  return (limit) => {
    if (Date.now() - loggedAt < INTERVAL_MS) return;
    loggedAt = Date.now();
    logger.warn({ event: 'starts_throttled', limit }, 'Temporal throttles; fewer starts at a time');
  };
}
