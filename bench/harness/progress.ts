/** What is being measured at the moment. */
export interface Progress {
  show(line: string): void;
  /** Removes the line that is shown, before something is printed to stdout. */
  clear(): void;
}

/**
 * Shows progress on stderr: every line if `isVerbose`; otherwise one line that changes, on a terminal only.
 */
export function createProgress(isVerbose: boolean): Progress {
  if (isVerbose)
    return {
      show: (line) => {
        console.error(line);
      },
      clear: () => undefined,
    };
  if (!process.stderr.isTTY) return { show: () => undefined, clear: () => undefined };
  const replace = (line: string) => process.stderr.write(`\r\x1b[K${line}`);
  return {
    show: (line) => void replace(line.slice(0, process.stderr.columns - 1)),
    clear: () => void replace(''),
  };
}
