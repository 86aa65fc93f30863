import { pino, type Logger as PinoLogger } from 'pino';
import { createLogDestination, writeTo, type LogDestinationOptions } from './log-destination.ts';
import { describeError } from '../program/operator-error.ts';
import { writeToStderr } from '../program/exit.ts';
import { readableLine } from './readable-line.ts';
import { RateLimitedLog } from './rate-limited-log.ts';
import { activeTraceIds } from './tracing.ts';

export type Logger = PinoLogger;

export interface LogOptions {
  readonly level: string;
  readonly format: 'auto' | 'json' | 'pretty';
}

/**
 * Opens the log of the process on stdout: newline-delimited JSON, or readable lines on a terminal. Returns
 * what creates the logger of a `service`, such as `bridge` or `worker`. Each line has an `event` to search
 * for, and the IDs of the active trace and span, if any.
 *
 * Stdout may be a full disk, closed, or a pipe that nobody reads; the streams of Node and of pino would then
 * throw inside the code that logs. A process opens its log once: a line that stdout has taken only in part
 * must be completed before the next one, whichever logger that is from.
 */
export function openLog(
  { level, format }: LogOptions,
  { write = writeTo(1), onFailure = reportFailure }: Partial<StdoutOptions> = {},
): (service: string) => Logger {
  // Reading process.stdout creates its stream, by which Node makes a pipe non-blocking: a write to a pipe
  // that nobody reads then fails instead of blocking the process.
  const { isTTY } = process.stdout;
  const isPretty = format === 'pretty' || (format === 'auto' && isTTY);
  const toText = isPretty ? readable() : (line: string) => line;
  const stdout = createLogDestination({ write, onFailure, describeDropped });
  return (service) =>
    pino(
      {
        level,
        base: { service, pid: process.pid },
        timestamp: pino.stdTimeFunctions.isoTime,
        mixin: activeTraceIds,
      },
      {
        write(line) {
          stdout.write(toText(line), service);
        },
      },
    );
}

type StdoutOptions = Pick<LogDestinationOptions, 'write' | 'onFailure'>;

function reportFailure(reason: string): void {
  writeToStderr(
    `order-ingest: the log cannot be written to stdout: ${reason}. Orders are still processed; log lines are dropped until writing succeeds.`,
  );
}

const describeDropped = (lines: number, service: string): string =>
  `${JSON.stringify({ level: 40, time: new Date().toISOString(), service, pid: process.pid, event: 'log_lines_dropped', lines, msg: 'the log could not be written; these lines are missing' })}\n`;

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

/** Lines for people, as `readableLine` writes them. */
function readable(): (line: string) => string {
  // Also respects NO_COLOR. Undefined if standard output is no terminal, whatever its type says.
  const { hasColors } = process.stdout as { hasColors?: () => boolean };
  const isColored = hasColors?.call(process.stdout) ?? false;
  return (line) => readableLine(line, isColored);
}
