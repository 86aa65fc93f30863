/** A status line on stderr that overwrites itself. Prints nothing if stderr is not a terminal. */
export function createProgressLine(): {
  readonly show: (text: string) => void;
  readonly clear: () => void;
} {
  const isLive = process.stderr.isTTY;
  return {
    show(text) {
      if (isLive) process.stderr.write(`\r\x1b[K${text}`);
    },
    clear() {
      if (isLive) process.stderr.write('\r\x1b[K');
    },
  };
}
