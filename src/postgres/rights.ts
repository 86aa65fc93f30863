import type { Pool } from 'pg';
import { OperatorError } from '../program/operator-error.ts';

/** Tables by name, each with the columns that the program's statements use. */
export type Tables = Readonly<Record<string, readonly string[]>>;

/** A right that a program needs on every table: commands that only read do not need `INSERT`. */
export type Right = 'SELECT' | 'INSERT';

/** The SQL that grants a role these rights on all tables. `order-ingest setup` prints it. */
export const grantsFor = (
  tables: Tables,
  schemaName: string,
  role: string,
  rights: readonly Right[],
): string => {
  const names = Object.keys(tables).map((table) => `${quoteName(schemaName)}.${table}`);
  return `GRANT USAGE ON SCHEMA ${quoteName(schemaName)} TO ${role}; GRANT ${rights.join(', ')} ON ${names.join(', ')} TO ${role}`;
};

/**
 * Throws an OperatorError with the missing grants as SQL unless this user has the rights on all tables.
 * A table that does not exist is not reported: see `checkSchema`.
 */
export async function checkRights(
  pool: Pick<Pool, 'query'>,
  tables: Tables,
  rights: readonly Right[],
): Promise<void> {
  const names = Object.keys(tables);
  const { rows } = await pool.query<{ role: string; table: string; right: string }>(
    MISSING_RIGHTS,
    [names, rights],
  );
  const [first] = rows;
  if (!first) return;
  const grants = names.flatMap((table) => {
    const missing = rows.filter((row) => row.table === table).map(({ right }) => right);
    return missing.length === 0
      ? []
      : [`GRANT ${missing.join(', ')} ON ${table} TO ${quoteName(first.role)}`];
  });
  throw new OperatorError(
    'DATABASE_RIGHT_MISSING',
    `The user "${first.role}" lacks ${rows.map(({ table, right }) => `${right} on ${table}`).join(', ')}`,
    grants.join('; '),
  );
}

/** A right on single columns counts: an operator may have granted just those that are used. */
const MISSING_RIGHTS = `
SELECT current_user AS role, name AS table, privilege AS right
FROM unnest($1::text[]) WITH ORDINALITY AS tables (name, table_number)
CROSS JOIN unnest($2::text[]) WITH ORDINALITY AS privileges (privilege, right_number)
WHERE NOT has_any_column_privilege(to_regclass(name), privilege)
ORDER BY table_number, right_number`;

/**
 * Throws an OperatorError when this user lacks USAGE on a schema of the search path. Postgres treats such
 * a schema as if it did not exist and does not find its tables.
 */
export async function checkSchemaUsage(pool: Pick<Pool, 'query'>): Promise<void> {
  const { rows } = await pool.query<{ role: string; schema: string }>(HIDDEN_SCHEMAS);
  const [hidden] = rows;
  if (!hidden) return;
  throw new OperatorError(
    'DATABASE_RIGHT_MISSING',
    `The user "${hidden.role}" may not use the schema "${hidden.schema}"`,
    `GRANT USAGE ON SCHEMA ${quoteName(hidden.schema)} TO ${quoteName(hidden.role)}`,
  );
}

const HIDDEN_SCHEMAS = `
SELECT current_user AS role, nspname AS schema
FROM unnest(string_to_array(current_setting('search_path'), ',')) WITH ORDINALITY AS path (name, position)
JOIN pg_namespace ON nspname = replace(btrim(name, ' "'), '$user', current_user)
WHERE NOT has_schema_privilege(pg_namespace.oid, 'USAGE')
ORDER BY position`;

/** Quotes an identifier for SQL where it needs quotes. */
export const quoteName = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
