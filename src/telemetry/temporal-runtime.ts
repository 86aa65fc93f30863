import { makeTelemetryFilterString, Runtime, type LogLevel } from '@temporalio/worker';
import type { Logger } from './logger.ts';

/** Sends the logs of the Temporal SDK and of its Rust core through our own logger. Once a process. */
export function installTemporalRuntime(logger: Logger): Runtime {
  const log = (level: LogLevel, message: string, meta?: object) => {
    logger[LEVELS[level]]({ event: 'temporal_sdk', ...meta }, message);
  };
  return Runtime.install({
    shutdownSignals: [],
    logger: {
      log,
      trace: (message, meta) => log('TRACE', message, meta),
      debug: (message, meta) => log('DEBUG', message, meta),
      info: (message, meta) => log('INFO', message, meta),
      warn: (message, meta) => log('WARN', message, meta),
      error: (message, meta) => log('ERROR', message, meta),
    },
    telemetryOptions: {
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
