import type pg from 'pg';
import { OperatorError } from '../program/operator-error.ts';
import { readMigrations } from './migrations.ts';
import { checkSchemaUsage, type Tables } from './privileges.ts';
import { isDatabaseError } from './sql-state.ts';

/** The tables that a program uses, and the migrations that create them. */
export interface Schema {
  /** A folder with one `.sql` file per migration, named so that they sort in their order. */
  readonly migrationsDir: string;
  /** The table in which node-pg-migrate records the migrations that it has run. */
  readonly migrationsTable: string;
  readonly tables: Tables;
}

const UNDEFINED_TABLE = '42P01';
const INSUFFICIENT_PRIVILEGE = '42501';

type Queryable = Pick<pg.ClientBase, 'query'>;

/**
 * Throws an OperatorError unless the tables have everything that this build uses. Migrations that this build does not
 * know are those of a newer version. They do no harm as long as all columns of this build exist: old
 * programs keep running, and can be restarted, while a newer version is being rolled out.
 *
 * A user who may not read the table of migrations does not need to: the columns are enough.
 */
export async function checkSchema(pool: Queryable, schema: Schema): Promise<void> {
  const done = await migrationsDone(pool, schema);
  if (done !== 'not-readable') {
    if (done.length === 0) await checkSchemaUsage(pool);
    const missing = requiredMigrations(schema).filter((name) => !done.includes(name));
    if (missing.length > 0) {
      throw new OperatorError(
        'DATABASE_SCHEMA_OUTDATED',
        done.length === 0
          ? 'The database has no tables of order-ingest yet'
          : `The database schema is older than this build: ${missing.join(', ')} not run yet`,
        await setupFix(pool, schema),
      );
    }
  }
  const columns = await missingColumns(pool, schema);
  if (columns.length === 0) return;
  const newer = done === 'not-readable' ? [] : unknownMigrations(done, schema);
  throw newer.length > 0
    ? new OperatorError(
        'DATABASE_SCHEMA_TOO_NEW',
        `The database schema is too new for this build: it no longer has ${columns.join(', ')}, and has the unknown migrations ${newer.join(', ')}`,
        RUN_NEWER_VERSION,
      )
    : new OperatorError(
        'DATABASE_SCHEMA_OUTDATED',
        `The database schema does not fit this build: it lacks ${columns.join(', ')}`,
        `${await setupFix(pool, schema)}; if it has run all migrations, the order module and its migrations name different columns`,
      );
}

/** How to run the migrations, by a user who may: that of this connection may not own the tables. */
export async function setupFix(
  pool: Queryable,
  { tables, migrationsTable }: Pick<Schema, 'tables' | 'migrationsTable'>,
  option = '',
): Promise<string> {
  const setup = `run \`order-ingest setup --only database${option}\``;
  const { rows } = await pool.query<{
    role: string;
    schema: string;
    owner: string | null;
    may: boolean;
  }>(MAY_SET_UP, [[migrationsTable, ...Object.keys(tables)]]);
  const [state] = rows;
  if (!state || state.may) return setup;
  return state.owner === null
    ? `${setup} as a user with CREATE on the schema "${state.schema}", which "${state.role}" does not have`
    : `${setup} as "${state.owner}", to whom the tables belong; "${state.role}" may not change them`;
}

const MAY_SET_UP = `
SELECT current_user AS role, current_schema() AS schema, pg_get_userbyid(relowner) AS owner,
  CASE WHEN relowner IS NULL THEN coalesce(has_schema_privilege(current_schema(), 'CREATE'), true)
    ELSE pg_has_role(relowner, 'USAGE') END AS may
FROM (SELECT) AS one
LEFT JOIN pg_class ON pg_class.oid = (
  SELECT to_regclass(name) FROM unnest($1::text[]) AS name WHERE to_regclass(name) IS NOT NULL LIMIT 1
)`;

const RUN_NEWER_VERSION =
  'run the version of order-ingest, and of the order module, that the database was migrated for, or a newer one';

/**
 * Throws an OperatorError if a table requires a value for a column that this build does not know. Every insert
 * would fail.
 */
export async function checkRequiredColumns(pool: Queryable, { tables }: Schema): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(REQUIRED_COLUMNS, [Object.keys(tables)]);
  const known = columnNames(tables);
  const unknown = rows.map(({ name }) => name).filter((name) => !known.includes(name));
  if (unknown.length === 0) return;
  throw new OperatorError(
    'DATABASE_SCHEMA_TOO_NEW',
    `The database schema is too new for this build, which inserts no value for the required column ${unknown.join(', ')}`,
    RUN_NEWER_VERSION,
  );
}

const REQUIRED_COLUMNS = `
SELECT relation || '.' || attname AS name
FROM unnest($1::text[]) AS relation
JOIN pg_attribute ON attrelid = to_regclass(relation) AND attnum > 0 AND NOT attisdropped
WHERE attnotnull AND NOT atthasdef AND attidentity = '' AND attgenerated = ''`;

/** What a newer version of the program has done to the tables, or still has to do. */
export interface SchemaVersion {
  /** The last migration of this build. */
  readonly latest: string;
  /** Migrations that this build does not know. */
  readonly newer: readonly string[];
  /** Migrations of this build that break older versions, and have not been run. */
  readonly waiting: readonly string[];
  /** Whether the user may read the table of migrations. If not, nothing is newer or waiting. */
  readonly isReadable: boolean;
}

/** A user who may not read the table of migrations gets the names of this build only. */
export async function readSchemaVersion(pool: Queryable, schema: Schema): Promise<SchemaVersion> {
  const done = await migrationsDone(pool, schema);
  const names = migrationNames(schema);
  const latest = requiredMigrations(schema).at(-1) ?? 'nothing';
  if (done === 'not-readable') return { latest, newer: [], waiting: [], isReadable: false };
  return {
    latest,
    newer: unknownMigrations(done, schema),
    waiting: names.filter((name) => !done.includes(name)),
    isReadable: true,
  };
}

const unknownMigrations = (done: readonly string[], schema: Schema): readonly string[] =>
  done.filter((name) => !migrationNames(schema).includes(name));

/** The migrations of this build, in their order. */
export const migrationNames = ({ migrationsDir }: Schema): readonly string[] =>
  readMigrations(migrationsDir).map(({ name }) => name);

/** A migration that breaks older versions runs when none of them is left, long after this build has started. */
const requiredMigrations = ({ migrationsDir }: Schema): readonly string[] =>
  readMigrations(migrationsDir)
    .filter(({ oldestVersion }) => oldestVersion === undefined)
    .map(({ name }) => name);

/** Every user may read the system catalog of columns. */
async function missingColumns(pool: Queryable, { tables }: Schema): Promise<readonly string[]> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT relation || '.' || attname AS name
     FROM unnest($1::text[]) AS relation
     JOIN pg_attribute ON attrelid = to_regclass(relation) AND attnum > 0 AND NOT attisdropped`,
    [Object.keys(tables)],
  );
  const present = rows.map(({ name }) => name);
  return columnNames(tables).filter((name) => !present.includes(name));
}

const columnNames = (tables: Tables): readonly string[] =>
  Object.entries(tables).flatMap(([table, columns]) => columns.map((name) => `${table}.${name}`));

/** The names of the migrations that have been run, also those of other builds. */
export async function migrationsDone(
  pool: Queryable,
  { migrationsTable }: Schema,
): Promise<readonly string[] | 'not-readable'> {
  try {
    const { rows } = await pool.query<{ name: string }>(`SELECT name FROM ${migrationsTable}`);
    return rows.map(({ name }) => name);
  } catch (error) {
    if (isDatabaseError(error) && error.code === UNDEFINED_TABLE) return [];
    if (isDatabaseError(error) && error.code === INSUFFICIENT_PRIVILEGE) return 'not-readable';
    throw error;
  }
}
