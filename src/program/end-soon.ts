const LEAK_GRACE_MS = 2000;

/**
 * To be called when all is closed: ends the process, with the exit code that it has by then, even if
 * a library has left a connection open. kafkajs does, when it is told to disconnect while it is
 * connecting anew.
 */
export function endSoon(): void {
  setTimeout(() => process.exit(), LEAK_GRACE_MS).unref();
}
