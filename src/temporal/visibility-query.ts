/** A text within a query of Temporal's visibility; must be `isExpressible`. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * Characters that Temporal changes or trips over within a query, however they are escaped (seen with
 * server 1.29.1): its parser takes a backslash as an escape, and doubles one that is escaped; it puts
 * a backslash before a double quote and cuts single quotes off the ends; a question mark is a
 * placeholder where the visibility store is Postgres.
 */
const INEXPRESSIBLE = /["'?\\\p{Cc}]/u;

/** Whether a query with this text finds it on every server. Others have to be found without a query. */
export const isExpressible = (text: string): boolean => !INEXPRESSIBLE.test(text);

/**
 * Conditions that an attribute begins with the prefix, as far as a query can express it: what a query
 * with them finds must be filtered by the whole prefix.
 */
export function startsWith(attribute: string, prefix: string): readonly string[] {
  const index = prefix.search(INEXPRESSIBLE);
  const head = index === -1 ? prefix : prefix.slice(0, index);
  return head === '' ? [] : [`${attribute} STARTS_WITH ${quoted(head)}`];
}
