/** A string literal in a query to Temporal's visibility. The text must be `isExpressible`. */
export const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;

/**
 * Characters that no escape brings through a query unchanged (seen with server 1.29.1). The server's
 * parser reads a backslash as an escape and doubles an escaped one, adds a backslash before a double
 * quote, and strips single quotes from the ends; with Postgres as the visibility store, a question mark
 * is a placeholder.
 */
const INEXPRESSIBLE = /["'?\\\p{Cc}]/u;

/** Whether a query can search for this text on every server. Find other texts without a query. */
export const isExpressible = (text: string): boolean => !INEXPRESSIBLE.test(text);

/**
 * The condition that an attribute starts with the prefix, as far as a query can express it. Filter the
 * results by the whole prefix.
 */
export function startsWith(attribute: string, prefix: string): readonly string[] {
  const index = prefix.search(INEXPRESSIBLE);
  const head = index === -1 ? prefix : prefix.slice(0, index);
  return head === '' ? [] : [`${attribute} STARTS_WITH ${quoted(head)}`];
}
