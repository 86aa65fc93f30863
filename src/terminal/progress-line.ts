/** A line on stderr that is written over, and only on a terminal. */
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
