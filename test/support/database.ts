import type pg from 'pg';
import { orderModule } from '../../src/order/order-module.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { createConnector } from '../../src/postgres/connect.ts';
import { createDatabasePool } from '../../src/postgres/database-pool.ts';
import { stackAddress, uniqueName } from './stack.ts';

export interface TestDatabase {
  /** The search path is the schema of this test. */
  readonly url: string;
  readonly schema: string;
  readonly pool: pg.Pool;
  drop(): Promise<void>;
}

/** Of a connection and of a statement: no test waits for it. */
const TIMEOUT_MS = 60_000;

/** Creates a schema for one test, with the tables unless `empty`. */
export async function createTestDatabase({
  empty = false,
  base = stackAddress('DATABASE_URL'),
} = {}): Promise<TestDatabase> {
  const schema = uniqueName('test').replaceAll('-', '_');
  await runSql(base, `CREATE SCHEMA ${schema}`);
  const url = `${base}${base.includes('?') ? '&' : '?'}options=-csearch_path%3D${schema}`;
  if (!empty) await migrate(orderModule.storage, url, TIMEOUT_MS);
  const pool = createDatabasePool({
    url,
    connectTimeoutMs: TIMEOUT_MS,
    statementTimeoutMs: TIMEOUT_MS,
    maxConnections: 8,
    onIdleError: () => undefined,
  });
  return {
    url,
    schema,
    pool,
    async drop() {
      await pool.end();
      await runSql(base, `DROP SCHEMA ${schema} CASCADE`);
    },
  };
}

/** A database of its own, for a test that looks at locks or sessions, which all schemas of a database share. */
export async function createOwnDatabase(
  base = stackAddress('DATABASE_URL'),
): Promise<{ readonly url: string; drop(): Promise<void> }> {
  const name = uniqueName('own').replaceAll('-', '_');
  await runSql(base, `CREATE DATABASE ${name}`);
  return {
    url: Object.assign(new URL(base), { pathname: name }).href,
    drop: () => dropDatabase(name, base),
  };
}

export const dropDatabase = (name: string, base = stackAddress('DATABASE_URL')): Promise<void> =>
  runSql(base, `DROP DATABASE ${name} WITH (FORCE)`);

async function runSql(url: string, sql: string): Promise<void> {
  const { client } = await createConnector({ url, connectTimeoutMs: TIMEOUT_MS })();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
