import { makeTelemetryFilterString, Runtime, type LogLevel } from '@temporalio/worker';
import { describeError } from '../program/operator-error.ts';
import type { Logger } from './logger.ts';

/**
 * Sends the logs of the Temporal SDK and of its Rust core through our own logger, and has it serve its
 * metrics at this address. Once a process.
 */
export function installTemporalRuntime(logger: Logger, metricsAddress: string): Runtime {
  const log = (level: LogLevel, message: string, meta?: object) => {
    const { error, ...rest }: { error?: unknown } = meta ?? {};
    const described = error === undefined ? {} : { error: describeError(error) };
    logger[LEVELS[level]]({ event: 'temporal_sdk', ...rest, ...described }, message);
  };
  const at = (level: LogLevel) => (message: string, meta?: object) => {
    log(level, message, meta);
  };
  return Runtime.install({
    shutdownSignals: [],
    logger: {
      log,
      trace: at('TRACE'),
      debug: at('DEBUG'),
      info: at('INFO'),
      warn: at('WARN'),
      error: at('ERROR'),
    },
    telemetryOptions: {
      metrics: {
        prometheus: {
          bindAddress: metricsAddress,
          countersTotalSuffix: true,
          unitSuffix: true,
          useSecondsForDurations: true,
        },
      },
      logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) },
    },
  });
}

/** What the SDK calls info is about itself, not about orders. */
const LEVELS = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'debug',
  WARN: 'warn',
  ERROR: 'error',
} as const;
