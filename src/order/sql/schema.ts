import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { PG_MIGRATE_LOCK_ID, runner } from 'node-pg-migrate';
import pg from 'pg';
import { OperatorError } from '../../program/operator-error.ts';
import { checkSchemaUsage, identifier } from '../../postgres/check-rights.ts';
import { checkSearchPath } from '../../postgres/search-path.ts';
import { isDatabaseError } from '../../postgres/sql-state.ts';

const MIGRATIONS_DIR = fileURLToPath(new URL('./migrations', import.meta.url));
const MIGRATIONS_TABLE = 'order_ingest_migrations';
const UNDEFINED_TABLE = '42P01';
const INSUFFICIENT_PRIVILEGE = '42501';

export interface MigrationReport {
  /** The names of the migrations. */
  readonly ran: readonly string[];
  /** Where the tables are. */
  readonly schema: string;
}

/**
 * Brings the schema up to date in one transaction and answers with the migrations that it ran. A
 * second call at the same time waits for the first.
 */
export async function migrate(
  databaseUrl: string,
  connectTimeoutMs: number,
): Promise<MigrationReport> {
  return withClient(databaseUrl, connectTimeoutMs, async (client) => {
    await checkSearchPath(client, databaseUrl);
    await checkSchemaUsage(client);
    const { rows } = await client.query<{ schema: string | null }>(
      'SELECT current_schema AS schema',
    );
    const schema = rows[0]?.schema;
    if (!schema) {
      throw new OperatorError(
        'DATABASE_SCHEMA_MISSING',
        'No schema of the search path in DATABASE_URL exists',
        'create the schema, or take `options=-csearch_path%3D…` out of DATABASE_URL',
      );
    }
    await checkMayMigrate(client, schema);
    // Within a transaction a pooler such as PgBouncer keeps to one session. A lock of the session, or a
    // search path that is set for it, could stay behind in a session that others are given.
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [PG_MIGRATE_LOCK_ID]);
    const ran = await runner({
      dbClient: client,
      dir: MIGRATIONS_DIR,
      migrationsTable: MIGRATIONS_TABLE,
      migrationsSchema: schema,
      direction: 'up',
      singleTransaction: true,
      noLock: true,
      log: () => undefined,
    });
    await client.query('COMMIT');
    return { ran: ran.map(({ name }) => name), schema };
  });
}

/** node-pg-migrate's own error for this is a stack trace. */
async function checkMayMigrate(client: pg.Client, schema: string): Promise<void> {
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
    [schema, `${identifier(schema)}.${MIGRATIONS_TABLE}`],
  );
  const [state] = rows;
  if (state && state.owner === null && !state.may_create) {
    throw new OperatorError(
      'DATABASE_RIGHT_MISSING',
      `The user "${state.role}" may not create tables in the schema "${schema}"`,
      `GRANT CREATE ON SCHEMA ${identifier(schema)} TO ${identifier(state.role)}`,
    );
  }
  if (state && state.owner !== null && !state.may_read) {
    throw new OperatorError(
      'DATABASE_RIGHT_MISSING',
      `The tables belong to "${state.owner}"; the user "${state.role}" cannot migrate them`,
      `run \`order-ingest setup\` as "${state.owner}"; a worker does not need it`,
    );
  }
}

/**
 * Throws an OperatorError unless every migration that this build knows has been run. A user without a
 * right on the table of migrations needs none: the columns are looked at instead.
 */
export async function checkSchema(pool: Pick<pg.Pool, 'query'>): Promise<void> {
  const done = await migrationsDone(pool);
  if (done === 'not-readable') return checkColumns(pool);
  if (done.length === 0) await checkSchemaUsage(pool);
  const missing = migrationsKnown().filter((name) => !done.includes(name));
  if (missing.length === 0) return;
  throw new OperatorError(
    'DATABASE_SCHEMA_OUTDATED',
    done.length === 0
      ? 'The database has no tables of order-ingest yet'
      : `The database schema is older than this build: ${missing.join(', ')} not run yet`,
    'run `order-ingest setup --only database`',
  );
}

export const migrationsKnown = (): readonly string[] =>
  readdirSync(MIGRATIONS_DIR)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => file.slice(0, -'.sql'.length))
    .sort();

/** What the statements of this build name. */
export const COLUMNS = {
  orders: [
    ...['order_id', 'created_at', 'customer_name', 'total_price'],
    ...['source_topic', 'source_partition', 'source_offset', 'fingerprint', 'ingested_at'],
    ...['corrected_by', 'corrected_at', 'correction_reason'],
  ],
  order_line_items: ['order_id', 'line_number', 'product_id', 'quantity', 'unit_price'],
} as const;

/** The catalogue of the columns is everybody's to read. */
async function checkColumns(pool: Pick<pg.Pool, 'query'>): Promise<void> {
  const { rows } = await pool.query<{ name: string }>(
    `SELECT relation || '.' || attname AS name
     FROM unnest($1::text[]) AS relation
     JOIN pg_attribute ON attrelid = to_regclass(relation) AND attnum > 0 AND NOT attisdropped`,
    [Object.keys(COLUMNS)],
  );
  const present = rows.map(({ name }) => name);
  const missing = Object.entries(COLUMNS)
    .flatMap(([table, columns]) => columns.map((column) => `${table}.${column}`))
    .filter((name) => !present.includes(name));
  if (missing.length === 0) return;
  throw new OperatorError(
    'DATABASE_SCHEMA_OUTDATED',
    `The database schema is older than this build: it lacks ${missing.join(', ')}`,
    'run `order-ingest setup --only database`',
  );
}

async function migrationsDone(
  pool: Pick<pg.Pool, 'query'>,
): Promise<readonly string[] | 'not-readable'> {
  try {
    const { rows } = await pool.query<{ name: string }>(`SELECT name FROM ${MIGRATIONS_TABLE}`);
    return rows.map(({ name }) => name);
  } catch (error) {
    if (isDatabaseError(error) && error.code === UNDEFINED_TABLE) return [];
    if (isDatabaseError(error) && error.code === INSUFFICIENT_PRIVILEGE) return 'not-readable';
    throw error;
  }
}

async function withClient<Result>(
  connectionString: string,
  connectionTimeoutMillis: number,
  work: (client: pg.Client) => Promise<Result>,
): Promise<Result> {
  const client = new pg.Client({ connectionString, connectionTimeoutMillis });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
