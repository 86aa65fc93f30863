import type { Pool } from 'pg';
import { OperatorError } from '../program/operator-error.ts';

/** A right that a program needs on both tables: commands that only read need no `INSERT`. */
export type Right = 'SELECT' | 'INSERT';

const TABLES = ['orders', 'order_line_items'] as const;

/** All that a worker's role needs, as SQL. `order-ingest setup` prints it. */
export const grantsFor = (schema: string, role: string, rights: readonly Right[]): string =>
  `GRANT USAGE ON SCHEMA ${identifier(schema)} TO ${role}; GRANT ${rights.join(', ')} ON ${TABLES.map((table) => `${identifier(schema)}.${table}`).join(', ')} TO ${role}`;

/** Throws an OperatorError that has the missing grants as SQL. */
export async function checkRights(
  pool: Pick<Pool, 'query'>,
  rights: readonly Right[],
): Promise<void> {
  const { rows } = await pool.query<{ role: string; table: string; right: string }>(
    MISSING_RIGHTS,
    [TABLES, rights],
  );
  const [first] = rows;
  if (!first) return;
  const grants = TABLES.flatMap((table) => {
    const missing = rows.filter((row) => row.table === table).map(({ right }) => right);
    return missing.length === 0
      ? []
      : [`GRANT ${missing.join(', ')} ON ${table} TO ${identifier(first.role)}`];
  });
  throw new OperatorError(
    'DATABASE_RIGHT_MISSING',
    `The user "${first.role}" lacks ${rows.map(({ table, right }) => `${right} on ${table}`).join(', ')}`,
    grants.join('; '),
  );
}

/** A right on some columns counts: it is enough where those are the columns that are used. */
const MISSING_RIGHTS = `
SELECT current_user AS role, name AS table, privilege AS right
FROM unnest($1::text[]) WITH ORDINALITY AS tables (name, table_number)
CROSS JOIN unnest($2::text[]) WITH ORDINALITY AS privileges (privilege, right_number)
WHERE NOT has_any_column_privilege(to_regclass(name), privilege)
ORDER BY table_number, right_number`;

/** Throws an OperatorError when a schema of the search path exists, but is not this user's to use. */
export async function checkSchemaUsage(pool: Pick<Pool, 'query'>): Promise<void> {
  const { rows } = await pool.query<{ role: string; schema: string }>(HIDDEN_SCHEMAS);
  const [hidden] = rows;
  if (!hidden) return;
  throw new OperatorError(
    'DATABASE_RIGHT_MISSING',
    `The user "${hidden.role}" may not use the schema "${hidden.schema}"`,
    `GRANT USAGE ON SCHEMA ${identifier(hidden.schema)} TO ${identifier(hidden.role)}`,
  );
}

/** To Postgres such a schema is as if it did not exist: its tables are not found. */
const HIDDEN_SCHEMAS = `
SELECT current_user AS role, nspname AS schema
FROM unnest(string_to_array(current_setting('search_path'), ',')) WITH ORDINALITY AS path (name, position)
JOIN pg_namespace ON nspname = replace(btrim(name, ' "'), '$user', current_user)
WHERE NOT has_schema_privilege(pg_namespace.oid, 'USAGE')
ORDER BY position`;

/** As SQL writes a name. */
export const identifier = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
