import {
  checkPrivileges,
  grantsFor,
  READER_PRIVILEGES,
  WORKER_PRIVILEGES,
  type Privilege,
} from '../../src/postgres/privileges.ts';
import { createDatabasePool, type DatabasePool } from '../../src/postgres/database-pool.ts';
import { orderModule } from '../../src/order/order-module.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { checkSchema } from '../../src/postgres/schema.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** A role that owns nothing, and the errors for the privileges that it lacks. */
let database: TestDatabase;
let role: string;
let url: string;
let pool: DatabasePool;
beforeEach(async () => {
  database = await createTestDatabase();
  role = `role_${database.schema}`;
  await database.pool.query(`CREATE ROLE ${role} LOGIN PASSWORD 'secret'`);
  const ofRole = new URL(database.url);
  ofRole.username = role;
  ofRole.password = 'secret';
  url = ofRole.href;
  pool = createDatabasePool({
    url,
    connectTimeoutMs: 60_000,
    statementTimeoutMs: 60_000,
    maxConnections: 1,
    onIdleError: () => undefined,
  });
});
afterEach(async () => {
  await pool.end();
  await database.pool.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
  await database.drop();
});

const grant = (sql: string) => database.pool.query(sql);
const granted = (...privileges: Privilege[]) =>
  grant(grantsFor(orderModule.storage, database.schema, role, privileges));

test('the grants printed by setup are enough for a worker', async () => {
  await granted('SELECT', 'INSERT');
  await expect(checkSchema(pool, orderModule.storage)).resolves.toBeUndefined();
  await expect(
    checkPrivileges(pool, orderModule.storage, { privileges: WORKER_PRIVILEGES }),
  ).resolves.toBeUndefined();
});

test('SELECT is enough for commands that only read, but not for a worker', async () => {
  await granted('SELECT');
  await expect(checkSchema(pool, orderModule.storage)).resolves.toBeUndefined();
  await expect(
    checkPrivileges(pool, orderModule.storage, { privileges: READER_PRIVILEGES }),
  ).resolves.toBeUndefined();
  await expect(
    checkPrivileges(pool, orderModule.storage, { privileges: WORKER_PRIVILEGES }),
  ).rejects.toMatchObject({
    code: 'DATABASE_RIGHT_MISSING',
    fix: `run as "order_ingest": GRANT INSERT ON orders TO ${role}; GRANT INSERT ON order_line_items TO ${role}`,
  });
});

test('a missing column is reported even if the table of migrations may not be read', async () => {
  await granted('SELECT', 'INSERT');
  await grant('ALTER TABLE orders DROP COLUMN corrected_at');
  await expect(checkSchema(pool, orderModule.storage)).rejects.toMatchObject({
    code: 'DATABASE_SCHEMA_OUTDATED',
    message: expect.stringContaining('orders.corrected_at'),
  });
});

test('a schema without the USAGE right is reported, rather than missing tables', async () => {
  const expected = {
    code: 'DATABASE_RIGHT_MISSING',
    fix: `run as "order_ingest": GRANT USAGE ON SCHEMA ${database.schema} TO ${role}`,
  };
  await expect(checkSchema(pool, orderModule.storage)).rejects.toMatchObject(expected);
  await expect(migrate(orderModule.storage, url, 60_000)).rejects.toMatchObject(expected);
});

test('a migration by a role that may not migrate reports the missing privilege', async () => {
  await granted('SELECT', 'INSERT');
  await expect(migrate(orderModule.storage, url, 60_000)).rejects.toMatchObject({
    code: 'DATABASE_RIGHT_MISSING',
    message: expect.stringContaining('The tables belong to'),
  });
  await grant('DROP TABLE order_ingest_migrations');
  await expect(migrate(orderModule.storage, url, 60_000)).rejects.toMatchObject({
    fix: `GRANT CREATE ON SCHEMA ${database.schema} TO ${role}`,
  });
});

test('the checked columns are those of the tables', async () => {
  const { rows } = await database.pool.query<{ table_name: string; columns: string[] }>(
    `SELECT table_name, array_agg(column_name::text ORDER BY ordinal_position) AS columns
     FROM information_schema.columns
     WHERE table_schema = $1 AND table_name IN ('orders', 'order_line_items') GROUP BY table_name`,
    [database.schema],
  );
  expect(Object.fromEntries(rows.map((row) => [row.table_name, row.columns]))).toEqual(
    orderModule.storage.tables,
  );
});
