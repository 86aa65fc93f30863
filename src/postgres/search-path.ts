import type { ClientBase } from 'pg';
import { OperatorError } from '../program/operator-error.ts';

/** The search path that the URL asks for; undefined when it leaves that to the server. */
export function requestedSearchPath(databaseUrl: string): string | undefined {
  const options = new URL(databaseUrl).searchParams.get('options') ?? '';
  return /(?:^|\s)(?:-c\s*|--)search_path=((?:\\.|\S)+)/
    .exec(options)?.[1]
    ?.replace(/\\(.)/g, '$1');
}

/**
 * Throws an OperatorError when the session has another search path than the URL asks for: a pooler that
 * ignores `options` would have the orders end up in whatever tables are found first.
 */
export async function checkSearchPath(
  client: Pick<ClientBase, 'query'>,
  databaseUrl: string,
): Promise<void> {
  const requested = requestedSearchPath(databaseUrl);
  if (requested === undefined) return;
  const { rows } = await client.query<{ search_path: string }>('SHOW search_path');
  const actual = rows[0]?.search_path ?? '';
  if (actual === requested) return;
  throw new OperatorError(
    'DATABASE_SEARCH_PATH_IGNORED',
    `The search path is ${actual} and not ${requested}, which DATABASE_URL asks for: something between here and Postgres, such as PgBouncer, ignores \`options\``,
    `take \`options\` out of DATABASE_URL and set the search path for the role: ALTER ROLE … SET search_path = ${requested}`,
  );
}
