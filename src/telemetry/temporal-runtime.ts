import { makeTelemetryFilterString, Runtime, type LogLevel } from '@temporalio/worker';
import type { Logger } from './logger.ts';

/** Sends the logs of the Temporal SDK and of its Rust core through our own logger. Once a process. */
export function installTemporalRuntime(logger: Logger): Runtime {
  const log = (level: LogLevel, message: string, meta?: object) => {
    logger[LEVELS[level]]({ event: 'temporal_sdk', ...meta }, message);
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
