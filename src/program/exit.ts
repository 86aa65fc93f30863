import { writeSync } from 'node:fs';

/** 128 and the number of SIGPIPE: how shells report a program that ended so. */
const ENDED_BY_SIGPIPE = 141;
const FAILED = 1;

let mustOutliveOutput = false;

/**
 * Ends a command whose output cannot be written: quietly when nobody reads it any more, as with
 * `| head`, else with one line on stderr and exit code 1. Errors of stderr are ignored, since there is
 * nowhere left to report them.
 */
export function exitOnBrokenPipe(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (mustOutliveOutput) return;
    if (error.code === 'EPIPE') process.exit(ENDED_BY_SIGPIPE);
    sayOnStderr(`order-ingest: The output cannot be written: ${error.message}`);
    process.exit(FAILED);
  });
  process.stderr.on('error', () => undefined);
}

/** From now on the program continues when its output cannot be written: it has other work to do. */
export function outliveOutput(): void {
  mustOutliveOutput = true;
}

/** Writes a line to stderr if that is possible. */
export function sayOnStderr(line: string): void {
  try {
    writeSync(2, `${line}\n`);
  } catch {
    // A full disk or a closed pipe: there is nowhere left to report it.
  }
}

const LEAK_GRACE_MS = 2000;

/**
 * To be called when all is closed: ends the process, with the exit code that it has by then, even if
 * a library has left a connection open. kafkajs does, when it is told to disconnect while it is
 * connecting anew.
 */
export function forceExitAfterGrace(): void {
  setTimeout(() => process.exit(), LEAK_GRACE_MS).unref();
}
