import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { OperatorError } from '../program/operator-error.ts';
import { isDatabaseError } from './sql-state.ts';

const MIGRATIONS_DIR = fileURLToPath(new URL('./migrations', import.meta.url));
const MIGRATIONS_TABLE = 'order_ingest_migrations';
const UNDEFINED_TABLE = '42P01';

/**
 * Brings the schema up to date in one transaction and answers with the migrations that it ran. A
 * second call at the same time waits for the first.
 */
export async function migrate(
  databaseUrl: string,
  connectTimeoutMs: number,
): Promise<readonly string[]> {
  return withClient(databaseUrl, connectTimeoutMs, async (client) => {
    const { rows } = await client.query<{ schema: string | null }>(
      'SELECT current_schema AS schema',
    );
    const schema = rows[0]?.schema;
    if (!schema) {
      throw new OperatorError(
        'No schema of the search path in DATABASE_URL exists',
        'create the schema, or take `options=-csearch_path%3D…` out of DATABASE_URL',
      );
    }
    const ran = await runner({
      dbClient: client,
      dir: MIGRATIONS_DIR,
      migrationsTable: MIGRATIONS_TABLE,
      schema,
      migrationsSchema: schema,
      direction: 'up',
      advisoryLockMode: 'wait',
      log: () => undefined,
    });
    return ran.map(({ name }) => name);
  });
}

/** Throws an OperatorError unless every migration that this build knows has been run. */
export async function checkSchema(pool: Pick<pg.Pool, 'query'>): Promise<void> {
  const done = await migrationsDone(pool);
  const missing = migrationsKnown().filter((name) => !done.includes(name));
  if (missing.length === 0) return;
  throw new OperatorError(
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

async function migrationsDone(pool: Pick<pg.Pool, 'query'>): Promise<readonly string[]> {
  try {
    const { rows } = await pool.query<{ name: string }>(`SELECT name FROM ${MIGRATIONS_TABLE}`);
    return rows.map(({ name }) => name);
  } catch (error) {
    if (isDatabaseError(error) && error.code === UNDEFINED_TABLE) return [];
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
