/** The parts of a JSON schema that the table shows. */
interface ValueSchema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, ValueSchema>>;
  readonly $ref?: string;
}

type Values = Readonly<Record<string, unknown>>;

/** Values that are explained by one row, although they have properties. */
const ONE_ROW = ['settings'];

/** The table of the chart's README: every value with its default and its description. */
export function valuesTable(schema: object, defaults: Values): string {
  const rows = rowsOf(schema, defaults, '');
  return ['| value | default | meaning |', '| --- | --- | --- |', ...rows].join('\n') + '\n';
}

function rowsOf(schema: ValueSchema, defaults: unknown, prefix: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, property]) => {
    const name = `${prefix}${key}`;
    const value =
      typeof defaults === 'object' && defaults !== null ? (defaults as Values)[key] : undefined;
    if (property.properties && !ONE_ROW.includes(name)) {
      return rowsOf(property, value, `${name}.`);
    }
    const shown = value === undefined || value === '' ? '' : `\`${JSON.stringify(value)}\``;
    return `| \`${name}\` | ${shown} | ${(property.description ?? '').replaceAll('|', '\\|')} |`;
  });
}
