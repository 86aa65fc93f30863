/** 128 and the number of SIGPIPE: how shells report a program that ended so. */
const ENDED_BY_SIGPIPE = 141;

/** Ends the program quietly when nobody reads its stdout any more, as with `| head`. */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit(ENDED_BY_SIGPIPE);
  });
}
