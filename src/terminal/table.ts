/** Columns as wide as their widest cell, two spaces apart. */
export function table(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  { alignRight = [] }: { readonly alignRight?: readonly number[] } = {},
): string {
  const widths = header.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column] ?? '')].map((cell) => cell.length)),
  );
  return [header, ...rows]
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return alignRight.includes(column) ? cell.padStart(width) : cell.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/**
 * A table of partitions and their sum. The topic is the first column if there are several.
 *
 * @param topics how many topics there are
 * @param rows each begins with the topic, which the header and the sum lack
 */
export function topicTable(
  topics: number,
  header: readonly string[],
  rows: readonly (readonly string[])[],
  sum: readonly string[],
  { alignRight = [] }: { readonly alignRight?: readonly number[] } = {},
): string {
  if (topics === 1) return table(header, [...rows.map((row) => row.slice(1)), sum], { alignRight });
  const [label = '', ...rest] = sum;
  return table(['topic', ...header], [...rows, [label, '', ...rest]], {
    alignRight: alignRight.map((column) => column + 1),
  });
}
