/** A table as Prettier formats it: each column as wide as its widest cell. */
export function markdownTable(
  header: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const widths = header.map((title, column) =>
    Math.max(3, ...[title, ...rows.map((row) => row[column] ?? '')].map(widthOf)),
  );
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const padded = (cells: readonly string[]) =>
    line(widths.map((width, column) => pad(cells[column] ?? '', width)));
  return [
    padded(header),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.map((row) => padded(row)),
  ].join('\n');
}

/** None of the tables has a character outside the Basic Multilingual Plane, or a wide one. */
const widthOf = (cell: string) => cell.length;
const pad = (cell: string, width: number) => cell + ' '.repeat(width - widthOf(cell));
