/**
 * What a table has under a name from a schema or a message; undefined if that is nothing. `table['constructor']` would
 * find what every object inherits.
 */
export const ownProperty = <Value>(
  table: Readonly<Record<string, Value>>,
  name: string,
): Value | undefined => (Object.hasOwn(table, name) ? table[name] : undefined);
