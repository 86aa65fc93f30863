import { writeSync } from 'node:fs';

/*
 * When the process ends, and what it survives. cli/main.ts loads this file before anything that is slow
 * to load, so it imports nothing but Node's own modules.
 */

/** 128 + the number of SIGPIPE, as a shell reports a process that the signal ended. */
const ENDED_BY_SIGPIPE = 141;
const FAILED = 1;

let survivesBrokenPipe = false;

/**
 * Ends a command whose output cannot be written: silently if its reader is gone, as with `| head`,
 * otherwise with one line on stderr and exit code 1. Errors of stderr are ignored, since there is
 * nowhere left to report them.
 */
export function exitOnBrokenPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (survivesBrokenPipe) return;
    if (error.code === 'EPIPE') process.exit(ENDED_BY_SIGPIPE);
    writeToStderr(`order-ingest: The output cannot be written: ${error.message}`);
    process.exit(FAILED);
  });
  process.stderr.on('error', () => undefined);
}

/** For a program whose output is only its log: from now on it continues when that cannot be written. */
export function continueOnBrokenPipe(): void {
  survivesBrokenPipe = true;
}

/**
 * Keeps the process running after an exception or a rejected promise that no code handles: otherwise a
 * bug in one place would end every order in flight. This is safe for orders, since whatever is not
 * finished is read or run again. A program that makes no progress fails its liveness check.
 */
export function continueOnUnexpectedErrors(report: (error: unknown) => void): void {
  process.on('uncaughtException', report);
  process.on('unhandledRejection', report);
}

/** Writes a line to stderr if possible. */
export function writeToStderr(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // A full disk or a closed pipe: there is nowhere left to report it.
  }
}

const LEAK_GRACE_MS = 2000;

/**
 * Call it when everything is closed. If the process is still running two seconds later, because a
 * library has left a connection open, ends it with the exit code set by then. kafkajs leaves one open when
 * it is disconnected while it reconnects.
 */
export function forceExitAfterGrace(): void {
  setTimeout(() => process.exit(), LEAK_GRACE_MS).unref();
}
