import { readdirSync } from 'node:fs';
import { PG_MIGRATE_LOCK_ID, runner } from 'node-pg-migrate';
import pg from 'pg';
import { OperatorError } from '../program/operator-error.ts';
import { checkSearchPath } from './database-pool.ts';
import { checkSchemaUsage, quoteName, type Tables } from './rights.ts';
import { isDatabaseError } from './sql-state.ts';

/** The tables that a program uses, and the migrations that create them. */
export interface Schema {
  /** A folder with one `.sql` file per migration, named so that they sort in their order. */
  readonly migrationsDir: string;
  /** The table in which node-pg-migrate records the migrations that it has run. */
  readonly migrationsTable: string;
  readonly tables: Tables;
}

export interface MigrationReport {
  /** The names of the migrations that were run. */
  readonly ran: readonly string[];
  /** The name of the Postgres schema that holds the tables. */
  readonly schemaName: string;
}

const UNDEFINED_TABLE = '42P01';
const INSUFFICIENT_PRIVILEGE = '42501';

/**
 * Runs the missing migrations in one transaction. A concurrent call waits for the first one. Throws an
 * OperatorError when the user lacks a right or the search path names no schema.
 */
export async function migrate(
  { migrationsDir, migrationsTable }: Schema,
  databaseUrl: string,
  connectTimeoutMs: number,
): Promise<MigrationReport> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: connectTimeoutMs,
  });
  await client.connect();
  try {
    await checkSearchPath(client, databaseUrl);
    await checkSchemaUsage(client);
    const schemaName = await currentSchema(client);
    await checkMayMigrate(client, schemaName, migrationsTable);
    // A pooler such as PgBouncer keeps a client on one session for a transaction only. A session-level
    // lock or search path could stay behind in a session that serves other clients.
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [PG_MIGRATE_LOCK_ID]);
    const ran = await runner({
      dbClient: client,
      dir: migrationsDir,
      migrationsTable,
      migrationsSchema: schemaName,
      direction: 'up',
      singleTransaction: true,
      noLock: true,
      log: () => undefined,
    });
    await client.query('COMMIT');
    return { ran: ran.map(({ name }) => name), schemaName };
  } finally {
    await client.end();
  }
}

async function currentSchema(client: pg.Client): Promise<string> {
  const { rows } = await client.query<{ schema: string | null }>('SELECT current_schema AS schema');
  const schemaName = rows[0]?.schema;
  if (schemaName) return schemaName;
  throw new OperatorError(
    'DATABASE_SCHEMA_MISSING',
    'None of the schemas in the search path of DATABASE_URL exists',
    'create the schema, or remove `options=-csearch_path%3D…` from DATABASE_URL',
  );
}

/** Without this check, a missing right would surface as node-pg-migrate's stack trace. */
async function checkMayMigrate(
  client: pg.Client,
  schemaName: string,
  migrationsTable: string,
): Promise<void> {
  const { rows } = await client.query<{
    role: string;
    may_create: boolean;
    owner: string | null;
    may_read: boolean | null;
  }>(
    `SELECT current_user AS role, has_schema_privilege($1, 'CREATE') AS may_create,
       pg_get_userbyid(relowner) AS owner,
       pg_has_role(relowner, 'USAGE') OR has_table_privilege(pg_class.oid, 'SELECT') AS may_read
     FROM (SELECT to_regclass($2) AS migrations) AS named
     LEFT JOIN pg_class ON pg_class.oid = migrations`,
    [schemaName, `${quoteName(schemaName)}.${migrationsTable}`],
  );
  const [state] = rows;
  if (state && state.owner === null && !state.may_create) {
    throw new OperatorError(
      'DATABASE_RIGHT_MISSING',
      `The user "${state.role}" may not create tables in the schema "${schemaName}"`,
      `GRANT CREATE ON SCHEMA ${quoteName(schemaName)} TO ${quoteName(state.role)}`,
    );
  }
  if (state && state.owner !== null && !state.may_read) {
    throw new OperatorError(
      'DATABASE_RIGHT_MISSING',
      `The tables belong to "${state.owner}", so the user "${state.role}" cannot migrate them`,
      `run \`order-ingest setup\` as "${state.owner}"; a worker does not need to`,
    );
  }
}

/**
 * Throws an OperatorError unless every migration of this build has been run. A user who may not read the
 * table of migrations does not need to: the columns are checked instead.
 */
export async function checkSchema(pool: Pick<pg.Pool, 'query'>, schema: Schema): Promise<void> {
  const done = await migrationsDone(pool, schema);
  if (done === 'not-readable') return checkColumns(pool, schema);
  if (done.length === 0) await checkSchemaUsage(pool);
  const missing = migrationNames(schema).filter((name) => !done.includes(name));
  if (missing.length === 0) return;
  throw new OperatorError(
    'DATABASE_SCHEMA_OUTDATED',
    done.length === 0
      ? 'The database has no tables of order-ingest yet'
      : `The database schema is older than this build: ${missing.join(', ')} not run yet`,
    RUN_SETUP,
  );
}

const RUN_SETUP = 'run `order-ingest setup --only database`';

/** The migrations of this build, in their order. */
export const migrationNames = ({ migrationsDir }: Schema): readonly string[] =>
  readdirSync(migrationsDir)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
    .sort();

/** Every user may read the system catalog of columns. */
async function checkColumns(pool: Pick<pg.Pool, 'query'>, { tables }: Schema): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT relation || '.' || attname AS name
     FROM unnest($1::text[]) AS relation
     JOIN pg_attribute ON attrelid = to_regclass(relation) AND attnum > 0 AND NOT attisdropped`,
    [Object.keys(tables)],
  );
  const present = rows.map(({ name }) => name);
  const missing = Object.entries(tables)
    .flatMap(([table, columns]) => columns.map((name) => `${table}.${name}`))
    .filter((name) => !present.includes(name));
  if (missing.length === 0) return;
  throw new OperatorError(
    'DATABASE_SCHEMA_OUTDATED',
    `The database schema is older than this build: it lacks ${missing.join(', ')}`,
    RUN_SETUP,
  );
}

async function migrationsDone(
  pool: Pick<pg.Pool, 'query'>,
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
