/** A text within a query of Temporal's visibility. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
