import type { Pool } from 'pg';
import { OperatorError } from '../program/operator-error.ts';
import type { Schema } from './schema.ts';

/** Tables by name, each with the columns that the program's statements use. */
export type Tables = Readonly<Record<string, readonly string[]>>;

/** A privilege that a program needs on every table: commands that only read do not need `INSERT`. */
export type Privilege = 'SELECT' | 'INSERT';

/** What a worker needs on every table. */
export const WORKER_PRIVILEGES: readonly Privilege[] = ['SELECT', 'INSERT'];
/** What commands that only read need on every table. */
export const READER_PRIVILEGES: readonly Privilege[] = ['SELECT'];

type Queryable = Pick<Pool, 'query'>;

/** A privilege that a role lacks. The names are quoted where SQL requires it. */
export interface MissingPrivilege {
  readonly privilege: string;
  /** `DATABASE`, `SCHEMA`, `TABLE` or `SEQUENCE`. */
  readonly kind: string;
  readonly name: string;
  /** The role that may grant it. */
  readonly owner: string;
}

export interface PrivilegesOptions {
  /** The role; default: the user of the connection. */
  readonly role?: string;
  readonly privileges: readonly Privilege[];
  /**
   * Whether the role must have the privileges on whole tables, and may read the table of migrations. Otherwise
   * single columns are enough: an operator may have granted just those that are used.
   */
  readonly complete?: boolean;
}

/** The privileges that a role lacks. A table that does not exist is not reported: see `checkSchema`. */
export async function missingPrivileges(
  pool: Queryable,
  { tables, migrationsTable }: Pick<Schema, 'tables' | 'migrationsTable'>,
  { role, privileges, complete = false }: PrivilegesOptions,
): Promise<readonly MissingPrivilege[]> {
  const { rows } = await pool.query<MissingPrivilege>(MISSING_PRIVILEGES, [
    role ?? null,
    Object.keys(tables),
    privileges,
    complete,
    migrationsTable,
  ]);
  return rows;
}

const MISSING_PRIVILEGES = `
WITH grantee AS (SELECT coalesce($1, current_user)::name AS name),
relations AS (
  SELECT to_regclass(name) AS oid, name, number, privilege
  FROM unnest($2::text[]) WITH ORDINALITY AS tables (name, number)
  CROSS JOIN unnest($3::text[]) AS privilege
  UNION ALL
  SELECT to_regclass($5), $5, 1000, 'SELECT' WHERE $4
),
sequences AS (
  -- A column of type serial or with another default that counts; an identity column needs no privilege.
  SELECT DISTINCT refobjid AS oid
  FROM relations
  JOIN pg_attrdef ON adrelid = relations.oid
  JOIN pg_depend ON classid = 'pg_attrdef'::regclass AND objid = pg_attrdef.oid
    AND refclassid = 'pg_class'::regclass
  JOIN pg_class ON pg_class.oid = refobjid AND relkind = 'S'
  WHERE relations.privilege = 'INSERT'
),
missing AS (
  SELECT 1 AS kind_number, 0 AS number, 'CONNECT' AS privilege, 'DATABASE' AS kind,
    quote_ident(datname) AS name, datdba AS owner
  FROM pg_database, grantee
  WHERE datname = current_database()
    AND NOT has_database_privilege(grantee.name, pg_database.oid, 'CONNECT')
  UNION ALL
  SELECT DISTINCT 2, 0, 'USAGE', 'SCHEMA', quote_ident(nspname), nspowner
  FROM relations JOIN pg_class ON pg_class.oid = relations.oid
  JOIN pg_namespace ON pg_namespace.oid = relnamespace, grantee
  WHERE NOT has_schema_privilege(grantee.name, pg_namespace.oid, 'USAGE')
  UNION ALL
  SELECT 3, relations.number, relations.privilege, 'TABLE', relations.name, relowner
  FROM relations JOIN pg_class ON pg_class.oid = relations.oid, grantee
  WHERE NOT CASE WHEN $4 THEN has_table_privilege(grantee.name, relations.oid, relations.privilege)
    ELSE has_any_column_privilege(grantee.name, relations.oid, relations.privilege) END
  UNION ALL
  SELECT 4, 0, 'USAGE', 'SEQUENCE', sequences.oid::regclass::text, relowner
  FROM sequences JOIN pg_class ON pg_class.oid = sequences.oid, grantee
  WHERE NOT has_sequence_privilege(grantee.name, sequences.oid, 'USAGE')
)
SELECT privilege, kind, name, pg_get_userbyid(owner) AS owner
FROM missing ORDER BY kind_number, number, name, privilege DESC`;

/** The statements that grant a role what it lacks, one per object. */
export function grantStatements(
  missing: readonly MissingPrivilege[],
  role: string,
): readonly string[] {
  const objects = [...new Set(missing.map(objectOf))];
  return objects.map((object) => {
    const privileges = missing.filter((one) => objectOf(one) === object);
    return `GRANT ${privileges.map(({ privilege }) => privilege).join(', ')} ON ${object} TO ${quoteName(role)}`;
  });
}

const objectOf = ({ kind, name }: MissingPrivilege): string =>
  kind === 'TABLE' ? name : `${kind} ${name}`;

/** The SQL that grants a role these privileges. `order-ingest setup` prints it. */
export const grantsFor = (
  { tables, migrationsTable }: Pick<Schema, 'tables' | 'migrationsTable'>,
  schemaName: string,
  role: string,
  privileges: readonly Privilege[],
): string => {
  const qualified = (table: string) => `${quoteName(schemaName)}.${table}`;
  const names = Object.keys(tables).map(qualified);
  return [
    `GRANT USAGE ON SCHEMA ${quoteName(schemaName)} TO ${role}`,
    `GRANT ${privileges.join(', ')} ON ${names.join(', ')} TO ${role}`,
    `GRANT SELECT ON ${qualified(migrationsTable)} TO ${role}`,
  ].join('; ');
};

/**
 * Throws an OperatorError with the missing grants as SQL unless this user has the privileges on all tables.
 */
export async function checkPrivileges(
  pool: Queryable,
  schema: Pick<Schema, 'tables' | 'migrationsTable'>,
  options: PrivilegesOptions,
): Promise<void> {
  const missing = await missingPrivileges(pool, schema, options);
  if (missing.length === 0) return;
  const role = options.role ?? (await currentUser(pool));
  throw lackingPrivileges(role, missing);
}

/** Says which privileges a role lacks, and who may grant them. */
export function lackingPrivileges(
  role: string,
  missing: readonly MissingPrivilege[],
): OperatorError {
  const lacking = missing.map(
    ({ privilege, kind, name }) =>
      `${privilege} on ${kind === 'TABLE' ? name : `${kind.toLowerCase()} ${name}`}`,
  );
  const owners = [...new Set(missing.map(({ owner }) => owner))];
  const fixes = owners.map((owner) => {
    const statements = grantStatements(
      missing.filter((one) => one.owner === owner),
      role,
    );
    return `as "${owner}": ${statements.join('; ')}`;
  });
  return new OperatorError(
    'DATABASE_RIGHT_MISSING',
    `The user "${role}" lacks ${lacking.join(', ')}`,
    `run ${fixes.join(', and ')}`,
  );
}

async function currentUser(pool: Queryable): Promise<string> {
  const { rows } = await pool.query<{ name: string }>('SELECT current_user AS name');
  return rows[0]?.name ?? '';
}

/**
 * Throws an OperatorError when this user lacks USAGE on a schema of the search path. Postgres treats such
 * a schema as if it did not exist and does not find its tables.
 */
export async function checkSchemaUsage(pool: Queryable): Promise<void> {
  const { rows } = await pool.query<{ role: string; schema: string; owner: string }>(
    HIDDEN_SCHEMAS,
  );
  const [hidden] = rows;
  if (!hidden) return;
  throw new OperatorError(
    'DATABASE_RIGHT_MISSING',
    `The user "${hidden.role}" may not use the schema "${hidden.schema}"`,
    `run as "${hidden.owner}": GRANT USAGE ON SCHEMA ${quoteName(hidden.schema)} TO ${quoteName(hidden.role)}`,
  );
}

const HIDDEN_SCHEMAS = `
SELECT current_user AS role, nspname AS schema, pg_get_userbyid(nspowner) AS owner
FROM unnest(string_to_array(current_setting('search_path'), ',')) WITH ORDINALITY AS path (name, position)
JOIN pg_namespace ON nspname = replace(btrim(name, ' "'), '$user', current_user)
WHERE NOT has_schema_privilege(pg_namespace.oid, 'USAGE')
ORDER BY position`;

/** Quotes an identifier for SQL where it needs quotes. */
export const quoteName = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
