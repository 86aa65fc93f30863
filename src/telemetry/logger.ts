import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import pretty from 'pino-pretty';
import { activeTraceIds } from './spans.ts';

export type Logger = PinoLogger;

export interface LogOptions {
  readonly level: string;
  readonly format: 'auto' | 'json' | 'pretty';
  /** The program that logs: `bridge`, `worker`. */
  readonly service: string;
}

/** One JSON object a line on stdout, each with an `event` to search for, and the IDs of the trace
 * that it belongs to; pretty on a terminal. */
export function createLogger({ level, format, service }: LogOptions): Logger {
  const isPretty = format === 'pretty' || (format === 'auto' && process.stdout.isTTY);
  return pino(
    {
      level,
      base: { service, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: activeTraceIds,
    },
    isPretty ? prettyStream() : pino.destination({ dest: 1, sync: true }),
  );
}

export const silentLogger = (): Logger => pino({ level: 'silent' });

const prettyStream = (): DestinationStream =>
  pretty({ sync: true, ignore: 'pid,hostname,service', messageFormat: '{event}: {msg}' });
