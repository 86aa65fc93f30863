import type { Pool } from 'pg';
import { OperatorError } from '../program/operator-error.ts';

/** Tables by name, each with the columns that the program's statements use. */
export type Tables = Readonly<Record<string, readonly string[]>>;

/** A privilege that a program needs on every table: commands that only read do not need `INSERT`. */
export type Privilege = 'SELECT' | 'INSERT';

/** The SQL that grants a role these privileges on all tables. `order-ingest setup` prints it. */
export const grantsFor = (
  tables: Tables,
  schemaName: string,
  role: string,
  privileges: readonly Privilege[],
): string => {
  const names = Object.keys(tables).map((table) => `${quoteName(schemaName)}.${table}`);
  return `GRANT USAGE ON SCHEMA ${quoteName(schemaName)} TO ${role}; GRANT ${privileges.join(', ')} ON ${names.join(', ')} TO ${role}`;
};

/**
 * Throws an OperatorError with the missing grants as SQL unless this user has the privileges on all tables.
 * A table that does not exist is not reported: see `checkSchema`.
 */
export async function checkPrivileges(
  pool: Pick<Pool, 'query'>,
  tables: Tables,
  privileges: readonly Privilege[],
): Promise<void> {
  const names = Object.keys(tables);
  const { rows } = await pool.query<{ role: string; table: string; privilege: string }>(
    MISSING_PRIVILEGES,
    [names, privileges],
  );
  const [first] = rows;
  if (!first) return;
  const grants = names.flatMap((table) => {
    const missing = rows.filter((row) => row.table === table).map(({ privilege }) => privilege);
    return missing.length === 0
      ? []
      : [`GRANT ${missing.join(', ')} ON ${table} TO ${quoteName(first.role)}`];
  });
  throw new OperatorError(
    'DATABASE_RIGHT_MISSING',
    `The user "${first.role}" lacks ${rows.map(({ table, privilege }) => `${privilege} on ${table}`).join(', ')}`,
    grants.join('; '),
  );
}

/** A privilege on single columns counts: an operator may have granted just those that are used. */
const MISSING_PRIVILEGES = `
SELECT current_user AS role, name AS table, privilege
FROM unnest($1::text[]) WITH ORDINALITY AS tables (name, table_number)
CROSS JOIN unnest($2::text[]) WITH ORDINALITY AS privileges (privilege, privilege_number)
WHERE NOT has_any_column_privilege(to_regclass(name), privilege)
ORDER BY table_number, privilege_number`;

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
