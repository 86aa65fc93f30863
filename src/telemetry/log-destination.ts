import { writeSync } from 'node:fs';
import { describeError } from '../program/operator-error.ts';

/** Writes bytes and answers with how many it took, or throws; `fs.writeSync` on a file descriptor. */
export type WriteBytes = (bytes: Uint8Array) => number;

export interface LogDestinationOptions {
  readonly write: WriteBytes;
  /** Called when the log cannot be written, once until it can be written again. */
  readonly onFailure: (reason: string) => void;
  /** A line for the log itself that tells how many lines are missing. */
  readonly describeDropped: (lines: number) => string;
  /** Waits a moment for a reader that is slow; `attempt` counts from 1. */
  readonly pause?: (attempt: number) => void;
}

export interface LogDestination {
  write(line: string): void;
}

/** How often a full pipe is tried again before a line is dropped: with the pauses 100 ms. */
const FULL_PIPE_ATTEMPTS = 10;
const PAUSE_MS = 10;

/**
 * A destination for log lines that never throws and never blocks for long: orders matter more than
 * the log. A line that cannot be written (a full disk, a reader that is gone or that no longer reads)
 * is dropped, and a later line reports how many were. A line that was written in part is completed
 * first, so that what arrives stays one line each.
 */
export function createLogDestination(options: LogDestinationOptions): LogDestination {
  const { write, onFailure, describeDropped, pause = pauseBriefly } = options;
  let rest: Uint8Array = new Uint8Array();
  let dropped = 0;
  let isFailing = false;

  /** Whether all of it was written; what was not stays in `rest` if a part of it was. */
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
        // A pipe that has been full for long is not waited for again at each line.
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

  return {
    write(line) {
      if (!writeRest()) {
        dropped += 1;
        return;
      }
      if (dropped > 0) {
        if (!writeAll(Buffer.from(describeDropped(dropped)))) {
          dropped += 1;
          return;
        }
        dropped = 0;
      }
      if (writeAll(Buffer.from(line))) isFailing = false;
      // A line that was written in part is completed later.
      else if (rest.length === 0) dropped += 1;
    },
  };
}

/** A file descriptor as destination: 1 is stdout. */
export const writeTo =
  (fileDescriptor: number): WriteBytes =>
  (bytes) =>
    writeSync(fileDescriptor, bytes);

const isFullPipe = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EAGAIN';

function pauseBriefly(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
}
