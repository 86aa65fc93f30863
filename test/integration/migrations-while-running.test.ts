import { execa } from 'execa';
import pg from 'pg';
import { postgresOrderStore } from '../support/built-in-order.ts';
import { orderModule } from '../../src/order/order-module.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { checkRequiredColumns, checkSchema } from '../../src/postgres/schema.ts';
import { sessionsStillBlocking } from '../../src/postgres/sessions.ts';
import { createOwnDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { eventually } from '../support/eventually.ts';
import { laterSchema } from '../support/migrations.ts';
import { recordOf } from '../support/built-in-order.ts';
import { orderText } from '../support/messages.ts';
import { startTransactionPooler } from '../support/transaction-pooler.ts';

/** Migrations of a database that programs are using, some of them of another version. */
let own: Awaited<ReturnType<typeof createOwnDatabase>>;
beforeAll(async () => {
  own = await createOwnDatabase();
});
afterAll(() => own.drop());

let database: TestDatabase;
const clients: pg.Client[] = [];
beforeEach(async () => {
  database = await createTestDatabase({ base: own.url });
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end()));
  await database.drop();
});

async function openSession(url = database.url, application = 'a test'): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: application });
  client.on('error', () => undefined);
  await client.connect();
  clients.push(client);
  return client;
}

const sql = (text: string) => database.pool.query<Record<string, unknown>>(text);

/** A session with a transaction that has read `orders` and stays open. */
async function openTransaction(): Promise<{ readonly pid: number; readonly client: pg.Client }> {
  const client = await openSession();
  await client.query('BEGIN');
  const { rows } = await client.query<{ pid: number }>(
    'SELECT pg_backend_pid() AS pid, count(*) FROM orders',
  );
  return { pid: rows[0]?.pid ?? 0, client };
}

async function hasColumn(name: string): Promise<boolean> {
  const { fields } = await sql('SELECT * FROM orders LIMIT 0');
  return fields.some((field) => field.name === name);
}

/** The ones in this database: the server has those of other tests too. */
async function advisoryLocks(): Promise<readonly unknown[]> {
  const { rows } = await sql(
    "SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
  );
  return rows;
}

const ADD_COLUMN = { '0003_channel': 'ALTER TABLE orders ADD COLUMN channel text;' };
const CONTRACT = {
  '0004_required': '-- Oldest version: 99.0.0\nALTER TABLE orders ALTER channel SET NOT NULL;',
};
const INDEX = {
  '0003_index':
    '-- Transaction: none\nCREATE INDEX CONCURRENTLY IF NOT EXISTS orders_by_time ON orders (created_at);',
};

const DROP_INDEX = {
  '0003_no_index': '-- Transaction: none\nDROP INDEX CONCURRENTLY IF EXISTS orders_by_time;',
};

describe('a migration whose table is locked by a long transaction', () => {
  test('lets inserts through between its attempts, and runs once the transaction has ended', async () => {
    const { client } = await openTransaction();
    const waits: string[] = [];
    const noteTimeout = "CREATE TABLE noted AS SELECT current_setting('lock_timeout') AS timeout;";
    const schema = laterSchema({ '0003_channel': `${ADD_COLUMN['0003_channel']} ${noteTimeout}` });
    const migrated = migrate(schema, database.url, 60_000, {
      lockTimeoutMs: 200,
      onWait: (reason) => waits.push(reason),
    });
    const store = postgresOrderStore(database.pool);
    for (let n = 0; waits.length < 3; n += 1) {
      // Without a lock timeout, the insert would fail with its statement timeout.
      expect(await store.store(recordOf(orderText(`A-${n}`)))).toEqual({ kind: 'stored' });
    }
    expect(await hasColumn('channel')).toBe(false);
    await client.query('COMMIT');
    expect((await migrated).ran).toEqual(['0003_channel']);
    expect(await hasColumn('channel')).toBe(true);
    // The longest that an insert can have waited behind the migration.
    expect((await sql('SELECT * FROM noted')).rows).toEqual([{ timeout: '200ms' }]);
  });

  test('gives up with the sessions that hold the lock, and leaves nothing behind', async () => {
    const role = `owner_${database.schema}`;
    await sql(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'; GRANT ${role} TO CURRENT_USER`);
    try {
      await sql(`GRANT USAGE, CREATE ON SCHEMA ${database.schema} TO ${role}`);
      for (const table of ['orders', 'order_line_items', 'order_ingest_migrations']) {
        await sql(`ALTER TABLE ${table} OWNER TO ${role}`);
      }
      const { pid } = await openTransaction();
      const url = Object.assign(new URL(database.url), { username: role, password: 'secret' });
      const failing = migrate(
        laterSchema({
          '0003_channel': `CREATE TABLE other (); ${ADD_COLUMN['0003_channel']}`,
        }),
        url.href,
        60_000,
        { lockTimeoutMs: 6000, giveUpAfterMs: 1 },
      );
      await expect(failing).rejects.toMatchObject({
        code: 'DATABASE_MIGRATION_BLOCKED',
        message: expect.stringMatching(
          new RegExp(`0003_channel .*"orders".* session ${pid} .*a test`),
        ),
        fix: expect.stringContaining(`pg_terminate_backend(${pid})`),
      });
      expect(await hasColumn('channel')).toBe(false);
      expect((await sql("SELECT to_regclass('other') AS name")).rows).toEqual([{ name: null }]);
      expect((await sql('SELECT count(*)::int AS done FROM order_ingest_migrations')).rows).toEqual(
        [{ done: 2 }],
      );
    } finally {
      await Promise.all(clients.splice(0).map((client) => client.end()));
      await sql(`REASSIGN OWNED BY ${role} TO CURRENT_USER; DROP OWNED BY ${role}`);
      await sql(`DROP ROLE ${role}`);
    }
  });

  test('does not count a session that has ended its transaction', async () => {
    const [ended, open] = await Promise.all([openTransaction(), openTransaction()]);
    const sessionOf = ({ pid }: { readonly pid: number }) => ({
      pid,
      user: null,
      application: null,
      state: null,
      openSeconds: null,
    });
    const blockage = { table: 'orders', sessions: [ended, open].map(sessionOf) };
    const client = await openSession();
    expect(await sessionsStillBlocking(client, blockage)).toEqual(blockage);
    await ended.client.query('COMMIT');
    const left = { ...blockage, sessions: [sessionOf(open)] };
    expect(await sessionsStillBlocking(client, blockage)).toEqual(left);
    const anyLock = { ...blockage, table: undefined };
    expect(await sessionsStillBlocking(client, anyLock)).toEqual({ ...left, table: undefined });
  });

  test('makes a single attempt, with a lock timeout, if it may not wait at all', async () => {
    await openTransaction();
    await sql('CREATE INDEX orders_by_time ON orders (created_at)');
    for (const migrations of [ADD_COLUMN, DROP_INDEX]) {
      const migrated = migrate(laterSchema(migrations), database.url, 60_000, { giveUpAfterMs: 0 });
      await expect(migrated).rejects.toMatchObject({ code: 'DATABASE_MIGRATION_BLOCKED' });
    }
  });

  test('waits through a pooler too, and leaves no setting in the sessions of the pooler', async () => {
    const pooler = await startTransactionPooler({ serverUrl: database.url, sessions: 2 });
    try {
      const { client } = await openTransaction();
      const waits: string[] = [];
      const migrated = migrate(laterSchema(ADD_COLUMN), pooler.url, 60_000, {
        lockTimeoutMs: 100,
        onWait: (reason) => waits.push(reason),
      });
      await eventually(() => {
        expect(waits.length).toBeGreaterThan(0);
      });
      await client.query('COMMIT');
      expect((await migrated).ran).toEqual(['0003_channel']);
      const other = await openSession(pooler.url);
      for (let n = 0; n < 2; n += 1) {
        const { rows } = await other.query('SHOW lock_timeout');
        expect(rows).toEqual([{ lock_timeout: '0' }]);
      }
    } finally {
      await pooler.close();
    }
  });
});

test('a second call waits for the first one and says so', async () => {
  const { client } = await openTransaction();
  const waits: string[] = [];
  const options = { lockTimeoutMs: 2000, onWait: (reason: string) => waits.push(reason) };
  const schema = laterSchema(ADD_COLUMN);
  const runs = [1, 2].map(() => migrate(schema, database.url, 60_000, options));
  await eventually(() => {
    expect(waits.join()).toMatch(/another `setup` is running: session \d+/);
  });
  await client.query('COMMIT');
  expect((await Promise.all(runs)).flatMap(({ ran }) => ran)).toEqual(['0003_channel']);
});

test('a second call gives up with the session of the first one', async () => {
  const { client } = await openTransaction();
  const schema = laterSchema(ADD_COLUMN);
  const first = migrate(schema, database.url, 60_000, { lockTimeoutMs: 60_000 });
  await eventually(async () => {
    expect(await advisoryLocks()).toHaveLength(1);
  });
  const second = migrate(schema, database.url, 60_000, { giveUpAfterMs: 300 });
  await expect(second).rejects.toMatchObject({
    code: 'DATABASE_MIGRATION_BLOCKED',
    message: expect.stringMatching(/Another `setup` .* session \d+ .*order-ingest/),
  });
  await client.query('COMMIT');
  expect((await first).ran).toEqual(['0003_channel']);
});

test("a migration takes longer than the role's timeouts allow other statements", async () => {
  const role = `slow_${database.schema}`;
  await sql(`CREATE ROLE ${role} SUPERUSER LOGIN PASSWORD 'secret'`);
  await sql(`ALTER ROLE ${role} SET statement_timeout = '3s'`);
  await sql(`ALTER ROLE ${role} SET idle_in_transaction_session_timeout = '3s'`);
  try {
    const url = Object.assign(new URL(database.url), { username: role, password: 'secret' });
    const schema = laterSchema({ '0003_slow': 'SELECT pg_sleep(5);' });
    expect((await migrate(schema, url.href, 60_000)).ran).toEqual(['0003_slow']);
  } finally {
    await sql(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  }
});

test('a killed migration leaves nothing behind, and the next one runs', async () => {
  const schema = laterSchema({
    '0003_channel': `${ADD_COLUMN['0003_channel']} SELECT pg_sleep(30);`,
  });
  const script = `
    import { migrate } from './src/postgres/migrate.ts';
    await migrate(${JSON.stringify(schema)}, process.env.URL, 60_000);`;
  const killed = execa('node', ['--import', 'tsx', '--input-type=module', '--eval', script], {
    env: { URL: database.url },
    reject: false,
  });
  await eventually(async () => {
    const { rows } = await sql(
      "SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND query LIKE '%channel%'",
    );
    expect(rows).toHaveLength(1);
  });
  killed.kill('SIGKILL');
  await killed;
  const waits: string[] = [];
  const next = await migrate(laterSchema(ADD_COLUMN), database.url, 60_000, {
    onWait: (reason) => waits.push(reason),
  });
  expect(next.ran).toEqual(['0003_channel']);
  expect(await hasColumn('channel')).toBe(true);
});

describe('a migration outside a transaction', () => {
  test('creates an index while another transaction is open and rows are inserted', async () => {
    const { client } = await openTransaction();
    await client.query("UPDATE orders SET order_id = order_id WHERE order_id = 'none'");
    const waits: string[] = [];
    const migrated = migrate(laterSchema(INDEX), database.url, 60_000, {
      onWait: (reason) => waits.push(reason),
    });
    await eventually(() => {
      expect(waits.join()).toContain('0003_index waits for');
    });
    const store = postgresOrderStore(database.pool);
    expect(await store.store(recordOf(orderText('A-1')))).toEqual({ kind: 'stored' });
    await client.query('COMMIT');
    expect((await migrated).ran).toEqual(['0003_index']);
    const { rows } = await sql(
      "SELECT indisvalid FROM pg_index WHERE indexrelid = 'orders_by_time'::regclass",
    );
    expect(rows).toEqual([{ indisvalid: true }]);
  });

  test('replaces the invalid index of an attempt that failed', async () => {
    const { client } = await openTransaction();
    await client.query("UPDATE orders SET order_id = order_id WHERE order_id = 'none'");
    const schema = laterSchema(INDEX);
    await expect(
      migrate(schema, database.url, 60_000, { giveUpAfterMs: 300 }),
    ).rejects.toMatchObject({
      code: 'DATABASE_MIGRATION_BLOCKED',
      message: expect.stringContaining('orders_by_time'),
    });
    const isValid = async () => {
      const { rows } = await sql(
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('orders_by_time')",
      );
      return rows.map((row) => row['indisvalid']);
    };
    expect(await isValid()).toEqual([false]);
    await client.query('COMMIT');
    expect((await migrate(schema, database.url, 60_000)).ran).toEqual(['0003_index']);
    expect(await isValid()).toEqual([true]);
  });

  test('waits for the same index that is being built by hand, and keeps it', async () => {
    const { client } = await openTransaction();
    await client.query("UPDATE orders SET order_id = order_id WHERE order_id = 'none'");
    const builder = await openSession();
    const built = builder.query('CREATE INDEX CONCURRENTLY orders_by_time ON orders (created_at)');
    const read = async () => {
      const { rows } = await sql(
        "SELECT indexrelid, indisvalid FROM pg_index WHERE indexrelid = to_regclass('orders_by_time')",
      );
      return rows[0];
    };
    const index = await eventually(async () => {
      const found = await read();
      expect(found).toMatchObject({ indisvalid: false });
      return found;
    });
    const waits: string[] = [];
    const migrated = migrate(laterSchema(INDEX), database.url, 60_000, {
      onWait: (reason) => waits.push(reason),
    });
    await eventually(() => {
      expect(waits).toHaveLength(1);
    });
    await client.query('COMMIT');
    await built;
    expect((await migrated).ran).toEqual(['0003_index']);
    expect(await read()).toEqual({ ...index, indisvalid: true });
  });

  test('runs once in concurrent calls, and leaves no lock', async () => {
    const schema = laterSchema(INDEX);
    const runs = await Promise.all([1, 2, 3].map(() => migrate(schema, database.url, 60_000)));
    expect(runs.flatMap(({ ran }) => ran)).toEqual(['0003_index']);
    expect(await advisoryLocks()).toHaveLength(0);
  });

  test('is refused through a pooler', async () => {
    const pooler = await startTransactionPooler({ serverUrl: database.url, sessions: 2 });
    try {
      await expect(migrate(laterSchema(INDEX), pooler.url, 60_000)).rejects.toMatchObject({
        code: 'DATABASE_SESSION_REQUIRED',
      });
    } finally {
      await pooler.close();
    }
  });
});

describe('migrations that break older versions', () => {
  const later = laterSchema({ ...ADD_COLUMN, ...CONTRACT }, ['channel']);
  const contract = () => migrate(later, database.url, 60_000, { contract: true });

  test('run on request only, and not while such a version is connected', async () => {
    const { ran, waiting } = await migrate(later, database.url, 60_000);
    expect(ran).toEqual(['0003_channel']);
    expect(waiting.map(({ name }) => name)).toEqual(['0004_required']);
    const old = await openSession(database.url, 'order-ingest/98.1.0');
    const { rows } = await old.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await expect(contract()).rejects.toMatchObject({
      code: 'DATABASE_OLD_VERSION_CONNECTED',
      message: expect.stringContaining(`session ${rows[0]?.pid} `),
    });
  });

  test('run beside other programs, and beside users without privileges on the tables', async () => {
    const required =
      "-- Oldest version: 0.0.9\nALTER TABLE orders ALTER correction_reason SET DEFAULT '';";
    const role = `elsewhere_${database.schema}`;
    await sql(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
    try {
      await openSession(database.url, 'order-ingest-reports');
      const url = Object.assign(new URL(database.url), { username: role, password: 'secret' });
      await openSession(url.href, 'order-ingest/0.0.1');
      const contracting = laterSchema({ '0003_contract': required });
      const { ran } = await migrate(contracting, database.url, 60_000, { contract: true });
      expect(ran).toEqual(['0003_contract']);
    } finally {
      await Promise.all(clients.splice(0).map((client) => client.end()));
      await sql(`DROP ROLE ${role}`);
    }
  });

  test('run at once in an empty database', async () => {
    // A worker of another schema of the database.
    await openSession(database.url, 'order-ingest/0.1.0');
    const empty = await createTestDatabase({ base: own.url, empty: true });
    try {
      const { ran } = await migrate(later, empty.url, 60_000);
      expect(ran).toEqual(['0001_orders', '0002_corrections', '0003_channel', '0004_required']);
    } finally {
      await empty.drop();
    }
  });

  test('are not needed to start', async () => {
    await migrate(later, database.url, 60_000);
    await expect(checkSchema(database.pool, later)).resolves.toBeUndefined();
  });
});

describe('a version that is older than the schema', () => {
  test('starts and migrates nothing as long as it can insert', async () => {
    await migrate(laterSchema(ADD_COLUMN), database.url, 60_000);
    await expect(checkSchema(database.pool, orderModule.storage)).resolves.toBeUndefined();
    await expect(checkRequiredColumns(database.pool, orderModule.storage)).resolves.toBeUndefined();
    expect((await migrate(orderModule.storage, database.url, 60_000)).ran).toEqual([]);
  });

  test('does not start when a column that it uses is gone', async () => {
    const drop = { '0003_drop': 'ALTER TABLE orders DROP COLUMN correction_reason;' };
    await migrate(laterSchema(drop), database.url, 60_000);
    await expect(checkSchema(database.pool, orderModule.storage)).rejects.toMatchObject({
      code: 'DATABASE_SCHEMA_TOO_NEW',
      message: expect.stringMatching(/orders\.correction_reason.*0003_drop/),
    });
  });

  test('does not start when a column that it does not know is required, and fails no order', async () => {
    await migrate(
      laterSchema({
        '0003_required': "ALTER TABLE orders ADD COLUMN channel text NOT NULL DEFAULT 'web';",
        '0004_required': 'ALTER TABLE orders ALTER channel DROP DEFAULT;',
      }),
      database.url,
      60_000,
    );
    await expect(checkRequiredColumns(database.pool, orderModule.storage)).rejects.toMatchObject({
      code: 'DATABASE_SCHEMA_TOO_NEW',
      message: expect.stringContaining('orders.channel'),
    });
    // A rejection would fail the order for good. An error is retried, by then in a worker of the new version.
    const stored = postgresOrderStore(database.pool).store(recordOf(orderText('A-1')));
    await expect(stored).rejects.toThrow('SQLSTATE 23502');
  });
});
