import { writeSync } from 'node:fs';
import { describeError } from '../program/operator-error.ts';

/** Writes bytes and returns how many were written, or throws, as `fs.writeSync` does. */
export type WriteBytes = (bytes: Uint8Array) => number;

export interface LogDestinationOptions {
  readonly write: WriteBytes;
  /** Called when the log cannot be written, once per outage. */
  readonly onFailure: (reason: string) => void;
  /** A log line that reports how many lines of a service are missing. */
  readonly describeDropped: (lines: number, service: string) => string;
  /** Waits briefly for a slow reader; `attempt` counts from 1. */
  readonly pause?: (attempt: number) => void;
}

export interface LogDestination {
  /** @param service the part of the program that logs the line */
  write(line: string, service: string): void;
}

/** How often writing to a full pipe is retried before the line is dropped, after 100 ms in all. */
const FULL_PIPE_ATTEMPTS = 10;
const PAUSE_MS = 10;

/**
 * A destination for log lines that never throws and never blocks for long: orders matter more than the
 * log. A line that cannot be written (the disk is full, the reader is gone or has stopped reading) is
 * dropped, and a later line reports how many were dropped. A line that was written in part is completed
 * before the next one, so that lines do not run into each other: all loggers that write to the same file
 * share one destination.
 */
export function createLogDestination(options: LogDestinationOptions): LogDestination {
  const { write, onFailure, describeDropped, pause = pauseBriefly } = options;
  let rest: Uint8Array = new Uint8Array();
  /** By service. */
  const dropped = new Map<string, number>();
  let isFailing = false;

  /** Whether everything was written. If only part of it was, the remainder is kept in `rest`. */
  const writeAll = (bytes: Uint8Array): boolean => {
    let written = 0;
    let attempts = 0;
    while (written < bytes.length) {
      try {
        const taken = write(bytes.subarray(written));
        written += taken;
        if (taken > 0) attempts = 0;
      } catch (error) {
        attempts += 1;
        // Once a line was dropped, later lines do not wait for the full pipe again.
        const mayWait = isFullPipe(error) && !isFailing && attempts <= FULL_PIPE_ATTEMPTS;
        if (mayWait) {
          pause(attempts);
          continue;
        }
        if (!isFailing) onFailure(describeError(error));
        isFailing = true;
        if (written > 0) rest = bytes.subarray(written);
        return false;
      }
    }
    return true;
  };

  const writeRest = (): boolean => {
    if (rest.length === 0) return true;
    const bytes = rest;
    rest = new Uint8Array();
    if (writeAll(bytes)) return true;
    if (rest.length === 0) rest = bytes;
    return false;
  };

  /** Whether every service's missing lines have been reported. */
  const writeReports = (): boolean => {
    for (const [service, lines] of dropped) {
      const isWritten = writeAll(Buffer.from(describeDropped(lines, service)));
      // A report that was written in part is completed later.
      if (isWritten || rest.length > 0) dropped.delete(service);
      if (!isWritten) return false;
    }
    return true;
  };

  return {
    write(line, service) {
      const drop = () => dropped.set(service, (dropped.get(service) ?? 0) + 1);
      if (!writeRest() || !writeReports()) drop();
      else if (writeAll(Buffer.from(line))) isFailing = false;
      // If the line was written in part, it is completed later.
      else if (rest.length === 0) drop();
    },
  };
}

/** Writes to a file descriptor; 1 is stdout. */
export const writeTo =
  (fileDescriptor: number): WriteBytes =>
  (bytes) =>
    writeSync(fileDescriptor, bytes);

const isFullPipe = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EAGAIN';

function pauseBriefly(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}
