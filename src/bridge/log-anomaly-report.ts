import type { LogAnomaly } from '../kafka/consumer/position-ledger.ts';
import type { Logger } from '../telemetry/logger.ts';
import type { Readiness } from '../telemetry/health/health.ts';
import type { BridgeMetrics } from './bridge-metrics.ts';

const READINESS_NAME = 'log';

export interface LogAnomalyReport {
  readonly report: (trouble: LogAnomaly) => void;
  /** Somebody has taken note: the bridge is ready again. */
  acknowledge(): void;
}

/**
 * Tells of messages that Kafka has lost in every way there is: an error in the log, a counter, and
 * not ready until somebody acknowledges it. The bridge goes on with what has survived.
 */
export function createLogAnomalyReport(parts: {
  readonly topic: string;
  readonly logger: Logger;
  readonly readiness: Readiness;
  readonly metrics: BridgeMetrics;
}): LogAnomalyReport {
  const { topic, logger, readiness, metrics } = parts;
  return {
    report(trouble) {
      const text = `${topic}, partition ${trouble.partition}: ${describeTrouble(trouble)}`;
      const { kind, partition, from, to } = trouble;
      const offsets = { from: from?.toString(), to: to.toString() };
      logger.error({ event: kind.replace('-', '_'), topic, partition, ...offsets }, text);
      readiness.report(READINESS_NAME, `${text}; POST /resume acknowledges it`);
      if (trouble.kind === 'messages-lost' && trouble.from !== undefined) {
        metrics.lost(trouble.partition, Number(trouble.to - trouble.from));
      } else {
        // How many is not known, but that there were some must show.
        metrics.lost(trouble.partition, 1);
      }
    },
    acknowledge() {
      readiness.clear(READINESS_NAME);
    },
  };
}

function describeTrouble(trouble: LogAnomaly): string {
  switch (trouble.kind) {
    case 'messages-lost':
      return trouble.from === undefined
        ? `messages before offset ${trouble.to} were deleted before they were read; how many is not known`
        : `offsets ${trouble.from} to ${trouble.to - 1n} were deleted before they were read`;
    case 'log-restarted':
      return `the group was at offset ${trouble.from}, but the log begins anew: the topic was deleted and made again, or the broker has lost its end; reading from offset ${trouble.to}`;
    default:
      return trouble satisfies never;
  }
}
