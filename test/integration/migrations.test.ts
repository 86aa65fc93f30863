import { orderModule } from '../../src/order/order-module.ts';
import { migrate } from '../../src/postgres/migrate.ts';
import { checkSchema, migrationNames } from '../../src/postgres/schema.ts';
import { laterSchema } from '../support/migrations.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase({ empty: true });
});
afterEach(() => database.drop());

const run = async () => (await migrate(orderModule.storage, database.url, 60_000)).ran;

test('concurrent calls run every migration once', async () => {
  const ran = await Promise.all([run(), run(), run()]);
  // The calls may share the migrations between them.
  expect(ran.flat().sort()).toEqual(migrationNames(orderModule.storage));
  await expect(checkSchema(database.pool, orderModule.storage)).resolves.toBeUndefined();
});

test('a database without tables is outdated', async () => {
  await expect(checkSchema(database.pool, orderModule.storage)).rejects.toThrow(
    'no tables of order-ingest yet',
  );
});

test('a database without some migrations is outdated, and they are named', async () => {
  await run();
  await database.pool.query("UPDATE order_ingest_migrations SET name = '0000_other'");
  await expect(checkSchema(database.pool, orderModule.storage)).rejects.toMatchObject({
    code: 'DATABASE_SCHEMA_OUTDATED',
    message: expect.stringContaining('0001_orders, 0002_corrections'),
  });
});

test('the tables have the columns that other programs read', async () => {
  await run();
  const { rows } = await database.pool.query<{ columns: string }>(
    `SELECT format('%s.%s %s%s', table_name, column_name, data_type,
       CASE is_nullable WHEN 'NO' THEN ' NOT NULL' ELSE '' END) AS columns
     FROM information_schema.columns
     WHERE table_schema = $1 AND table_name LIKE 'order%' AND table_name NOT LIKE '%migrations'
     ORDER BY table_name DESC, ordinal_position`,
    [database.schema],
  );
  expect(rows.map(({ columns }) => columns)).toEqual([
    'orders.order_id text NOT NULL',
    'orders.created_at timestamp with time zone NOT NULL',
    'orders.customer_name text NOT NULL',
    'orders.total_price numeric NOT NULL',
    'orders.source_topic text NOT NULL',
    'orders.source_partition integer NOT NULL',
    'orders.source_offset bigint NOT NULL',
    'orders.fingerprint text NOT NULL',
    'orders.ingested_at timestamp with time zone NOT NULL',
    'orders.corrected_by text',
    'orders.corrected_at timestamp with time zone',
    'orders.correction_reason text',
    'order_line_items.order_id text NOT NULL',
    'order_line_items.line_number integer NOT NULL',
    'order_line_items.product_id text NOT NULL',
    'order_line_items.quantity bigint NOT NULL',
    'order_line_items.unit_price numeric NOT NULL',
  ]);
});

test.each([
  // The first line of the file is a comment.
  ['a syntax error', 'SELECT 1;\nCREATE TABEL x ();', /TABEL.*42601, line 3, column 8/],
  ['a table that does not exist', 'ALTER TABLE nothing ADD COLUMN a text;', /nothing.*42P01/],
  ['data that it does not fit', 'ALTER TABLE orders ADD COLUMN a text NOT NULL;', /23502/],
  ['an exception', "DO $$ BEGIN RAISE 'no'; END $$;", /: no \(SQLSTATE P0001\)/],
  [
    'an index that cannot be built',
    '-- Transaction: none\nCREATE INDEX CONCURRENTLY IF NOT EXISTS i ON orders (nothing);',
    /"nothing".*42703/,
  ],
  ['another statement outside a transaction', '-- Transaction: none\nSELECT 1;', /CONCURRENTLY/],
])('a migration with %s is named, and is not recorded as run', async (_what, sql, expected) => {
  await run();
  await database.pool.query(
    `INSERT INTO orders (order_id, created_at, customer_name, total_price,
       source_topic, source_partition, source_offset, fingerprint)
     VALUES ('a', now(), 'Ada', 1, 'orders', 0, 0, '1:a')`,
  );
  const faulty = laterSchema({ '0003_faulty': sql });
  await expect(migrate(faulty, database.url, 60_000)).rejects.toMatchObject({
    code: 'DATABASE_MIGRATION_FAILED',
    message: expect.stringMatching(/0003_faulty/),
  });
  await expect(migrate(faulty, database.url, 60_000)).rejects.toThrow(expected);
  const corrected = laterSchema({ '0003_faulty': 'ALTER TABLE orders ADD COLUMN a text;' });
  await expect(migrate(corrected, database.url, 60_000)).resolves.toMatchObject({
    ran: ['0003_faulty'],
  });
});
