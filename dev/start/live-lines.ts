/** Prints lines that change: in place on a terminal, otherwise again after each change. */
export function createLiveLines(output: NodeJS.WriteStream): {
  show(lines: readonly string[]): void;
  /** Prints a line that is not overwritten. */
  note(text: string): void;
} {
  let shown: readonly string[] = [];
  return {
    show(lines) {
      if (lines.join() === shown.join()) return;
      if (output.isTTY && shown.length > 0) output.write(`\u001B[${shown.length}A`);
      const clear = output.isTTY ? '\u001B[2K' : '';
      output.write(lines.map((line) => `${clear}${line}\n`).join(''));
      shown = lines;
    },
    note(text) {
      output.write(`${text}\n`);
      shown = [];
    },
  };
}
