import { describeError } from '../program/operator-error.ts';
import type { Logger } from './logger.ts';
import type { Readiness } from './readiness.ts';

const LOG_INTERVAL_MS = 30_000;

/**
 * Tells how one dependency, such as Temporal, gets on. An outage is one line when it begins, one every
 * half minute while it lasts and one when it is over, however many meet it; until then the program is
 * not ready.
 */
export interface OutageReport {
  failed(error: unknown): void;
  succeeded(): void;
}

export function createOutageReport(
  dependency: string,
  { logger, readiness }: { readonly logger: Logger; readonly readiness: Readiness },
): OutageReport {
  let failingSince: number | undefined;
  let loggedAt = 0;
  return {
    failed(error) {
      failingSince ??= Date.now();
      readiness.report(dependency, describeError(error));
      if (Date.now() - loggedAt < LOG_INTERVAL_MS) return;
      loggedAt = Date.now();
      logger.warn(
        { event: 'dependency_unavailable', dependency, error: describeError(error) },
        `${dependency} does not answer as it should; trying on`,
      );
    },
    succeeded() {
      if (failingSince === undefined) return;
      const seconds = Math.round((Date.now() - failingSince) / 1000);
      failingSince = undefined;
      loggedAt = 0;
      readiness.clear(dependency);
      logger.info({ event: 'dependency_available', dependency, seconds }, `${dependency} is back`);
    },
  };
}
