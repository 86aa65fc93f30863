import { pino, type DestinationStream, type Logger as PinoLogger } from 'pino';
import { createLogDestination, writeTo, type LogDestination } from './log-destination.ts';
import { describeError } from '../program/operator-error.ts';
import { writeToStderr } from '../program/exit.ts';
import { readableLine } from './readable-line.ts';
import { RateLimitedLog } from './rate-limited-log.ts';
import { activeTraceIds } from './tracing.ts';

export type Logger = PinoLogger;

export interface LogOptions {
  readonly level: string;
  readonly format: 'auto' | 'json' | 'pretty';
  /** The program that logs: `bridge`, `worker`. */
  readonly service: string;
}

/**
 * Logs newline-delimited JSON to stdout, or readable lines on a terminal. Each line has an `event` to
 * search for, and the IDs of the active trace and span, if any.
 */
export function createLogger({ level, format, service }: LogOptions): Logger {
  // Reading process.stdout creates its stream, by which Node makes a pipe non-blocking: a write to a pipe
  // that nobody reads then fails instead of blocking the process.
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

/** Logs errors that no code handles, with their stack traces: they are bugs. */
export function unexpectedErrorLog(logger: Logger): (error: unknown) => void {
  const limited = new RateLimitedLog(logger);
  return (error) => {
    const described = describeError(error);
    const stack = error instanceof Error ? error.stack : undefined;
    limited.write(
      'error',
      { event: 'unexpected_error', error: described, stack },
      'an unexpected error; the program continues',
      described,
    );
  };
}

export const silentLogger = (): Logger => pino({ level: 'silent' });

/**
 * Stdout for log lines. It may be a full disk, closed, or a pipe that nobody reads; the streams of Node
 * and of pino would then throw inside the code that logs.
 */
function stdoutOf(service: string): LogDestination {
  return createLogDestination({
    write: writeTo(1),
    onFailure(reason) {
      writeToStderr(
        `order-ingest: the log cannot be written to stdout: ${reason}. Orders are still processed; log lines are dropped until writing succeeds.`,
      );
    },
    describeDropped: (lines) =>
      `${JSON.stringify({ level: 40, time: new Date().toISOString(), service, pid: process.pid, event: 'log_lines_dropped', lines, msg: 'the log could not be written; these lines are missing' })}\n`,
  });
}

const prettyStream = (stdout: LogDestination): DestinationStream => {
  // Also respects NO_COLOR. Undefined if standard output is no terminal, whatever its type says.
  const { hasColors } = process.stdout as { hasColors?: () => boolean };
  const isColored = hasColors?.call(process.stdout) ?? false;
  return {
    write(line) {
      stdout.write(readableLine(line, isColored));
    },
  };
};
