import type pg from 'pg';
import { postgresOrderStore } from '../support/built-in-order.ts';
import { orderModule } from '../../src/order/order-module.ts';
import {
  createDatabasePool,
  type DatabasePool,
  type PoolOptions,
} from '../../src/postgres/database-pool.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { checkSchema, migrationNames } from '../../src/postgres/schema.ts';
import { createOwnDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { recordOf } from '../support/built-in-order.ts';
import { orderText } from '../support/messages.ts';
import { startTransactionPooler, type TransactionPooler } from '../support/transaction-pooler.ts';

/** Connections through a pooler in transaction mode, such as PgBouncer, and without one. */
let own: Awaited<ReturnType<typeof createOwnDatabase>>;
beforeAll(async () => {
  own = await createOwnDatabase();
});
afterAll(() => own.drop());

let database: TestDatabase;
let pooler: TransactionPooler;
const pools: DatabasePool[] = [];
beforeEach(async () => {
  database = await createTestDatabase({ base: own.url, empty: true });
  pooler = await startTransactionPooler({ serverUrl: database.url, sessions: 3 });
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.end()));
  await pooler.close();
  await database.drop();
});

function poolOf(url: string, options: Partial<PoolOptions> = {}) {
  const pool = createDatabasePool({
    url,
    connectTimeoutMs: 60_000,
    statementTimeoutMs: 60_000,
    maxConnections: 8,
    onIdleError: () => undefined,
    ...options,
  });
  pools.push(pool);
  return pool;
}

async function storeTwice(pool: DatabasePool): Promise<readonly string[]> {
  const store = postgresOrderStore(pool);
  const records = Array.from({ length: 40 }, (_, n) => recordOf(orderText(`A-${n}`)));
  const outcomes: string[] = [];
  for (const [index, batch] of [records, records].entries()) {
    const ended = await Promise.all(batch.map((record) => store.store(record)));
    outcomes.push(...new Set(ended.map(({ kind }) => `${index + 1}: ${kind}`)));
  }
  return outcomes;
}

/** The prepared statements and the timeout that a session of the server has. */
async function stateOf(pool: pg.Pool) {
  const { rows } = await pool.query<{ statements: string[]; timeout: string }>(
    `SELECT ARRAY(SELECT name FROM pg_prepared_statements WHERE name <> '') AS statements,
       current_setting('statement_timeout') AS timeout`,
  );
  return rows[0];
}

const STORED_TWICE = ['1: stored', '2: already-stored'];

test('orders are stored through a pooler without a failed attempt', async () => {
  await migrate(orderModule.storage, database.url, 60_000);
  const pool = poolOf(pooler.url);
  await expect(storeTwice(pool)).resolves.toEqual(STORED_TWICE);
  expect(pool.isPooled).toBe(true);
  // The next client would inherit whatever the session still has.
  for (let n = 0; n < 3; n += 1) {
    expect(await stateOf(pool)).toEqual({ statements: [], timeout: '0' });
  }
});

test('without a pooler, statements are prepared and sessions have a timeout', async () => {
  await migrate(orderModule.storage, database.url, 60_000);
  const pool = poolOf(database.url, { maxConnections: 1, statementTimeoutMs: 4321 });
  await pool.query('SELECT');
  await postgresOrderStore(pool).store(recordOf(orderText('A-1')));
  expect(pool.isPooled).toBe(false);
  expect(await stateOf(pool)).toEqual({
    statements: [expect.stringMatching(/^insert-orders-[0-9a-f]{8}$/)],
    timeout: '4321ms',
  });
});

test('statements are not prepared when that is switched off', async () => {
  await migrate(orderModule.storage, database.url, 60_000);
  const pool = poolOf(database.url, { maxConnections: 1, preparedStatements: 'off' });
  await pool.query('SELECT');
  await postgresOrderStore(pool).store(recordOf(orderText('A-1')));
  expect(await stateOf(pool)).toMatchObject({ statements: [] });
});

test('concurrent migrations through a pooler run once and leave no lock or setting', async () => {
  const runs = await Promise.all(
    [1, 2].map(() => migrate(orderModule.storage, pooler.url, 60_000)),
  );
  // Each migration has a transaction of its own, so the two may take turns.
  expect(runs.flatMap(({ ran }) => ran).sort()).toEqual(migrationNames(orderModule.storage));
  await expect(checkSchema(poolOf(pooler.url), orderModule.storage)).resolves.toBeUndefined();
  const { rows } = await database.pool.query(
    "SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
  );
  expect(rows).toHaveLength(0);
});

test('a search path that the pooler rejects or ignores is an error with a fix', async () => {
  const options = '?options=-csearch_path%3Dsomewhere';
  const fix = expect.stringContaining('ALTER ROLE … SET search_path') as unknown;
  const lenient = await startTransactionPooler({
    serverUrl: database.url,
    sessions: 1,
    ignored: ['options'],
  });
  try {
    await expect(poolOf(pooler.url + options).query('SELECT')).rejects.toThrow(
      'unsupported startup parameter: options',
    );
    await expect(poolOf(lenient.url + options).query('SELECT')).rejects.toMatchObject({ fix });
    const migrated = migrate(orderModule.storage, lenient.url + options, 60_000);
    await expect(migrated).rejects.toMatchObject({ fix });
  } finally {
    await lenient.close();
  }
});
