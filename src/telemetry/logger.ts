import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { prettyFactory } from 'pino-pretty';
import { createLogDestination, writeTo, type LogDestination } from './log-destination.ts';
import { describeError } from '../program/operator-error.ts';
import { writeToStderr } from '../program/exit.ts';
import { createLogRateLimit } from './log-rate-limit.ts';
import { activeTraceIds } from './tracing.ts';

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
  // Node sets a pipe to non-blocking when its stream is created, as here: a write to one that nobody
  // reads then fails instead of blocking the process.
  const { isTTY } = process.stdout;
  const isPretty = format === 'pretty' || (format === 'auto' && isTTY);
  return pino(
    {
      level,
      base: { service, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      mixin: activeTraceIds,
    },
    isPretty ? prettyStream(stdoutOf(service)) : stdoutOf(service),
  );
}

/** An error that no code handles: a fault of ours, so it comes with where it was thrown. */
export function unexpectedErrorLog(logger: Logger): (error: unknown) => void {
  const limit = createLogRateLimit();
  return (error) => {
    const described = describeError(error);
    const leftOut = limit.admit(described);
    if (leftOut === undefined) return;
    logger.error(
      {
        event: 'unexpected_error',
        error: described,
        stack: error instanceof Error ? error.stack : undefined,
        ...(leftOut > 0 ? { leftOut } : {}),
      },
      'an unexpected error; the program continues',
    );
  };
}

export const silentLogger = (): Logger => pino({ level: 'silent' });

/**
 * Stdout, which may be full, gone, or a pipe that nobody reads. The streams of Node and of pino throw
 * then, from within whatever has logged.
 */
function stdoutOf(service: string): LogDestination {
  return createLogDestination({
    write: writeTo(1),
    onFailure(reason) {
      writeToStderr(
        `order-ingest: the log cannot be written to stdout: ${reason}. Orders are still processed; log lines are dropped until it can be written again.`,
      );
    },
    describeDropped: (lines) =>
      `${JSON.stringify({ level: 40, time: new Date().toISOString(), service, pid: process.pid, event: 'log_lines_dropped', lines, msg: 'the log could not be written for a while' })}\n`,
  });
}

const prettyStream = (stdout: LogDestination): DestinationStream => {
  const format = prettyFactory({
    ignore: 'pid,hostname,service',
    messageFormat: '{event}: {msg}',
  });
  return {
    write(line) {
      stdout.write(format(line));
    },
  };
};
