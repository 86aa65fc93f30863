import type { OrderRecord } from '../../src/contract/order-module.ts';
import { Decimal } from '../../src/order-kit/exact-decimal.ts';
import { orderItems, orderTables, type ItemTable } from '../../src/order-kit/order-tables.ts';
import { createOrderStore } from '../../src/worker/order-store.ts';
import { createOwnDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { uniqueName } from '../support/stack.ts';

interface Order {
  readonly order: string | null;
  readonly source: string;
  readonly big: bigint;
  readonly rate: Decimal;
  readonly day: string | null;
  readonly paid: boolean;
  readonly extra: string | null;
  readonly reference: string | null;
  readonly lines: readonly { readonly code: string; readonly extra: string | null }[];
  readonly notes: readonly (string | null)[];
}

/** `REINDEX CONCURRENTLY` waits for transactions of the whole database. */
let own: Awaited<ReturnType<typeof createOwnDatabase>>;
let database: TestDatabase;
beforeAll(async () => {
  own = await createOwnDatabase();
  database = await createTestDatabase({ base: own.url, empty: true });
  // Names that are keywords, and one that the tools use for something else.
  await database.pool.query(`
    CREATE TABLE "order" (
      id text PRIMARY KEY, "order" varchar(5), source text, big bigint, rate numeric, day date, paid boolean,
      extra jsonb, reference text UNIQUE,
      source_topic text NOT NULL, source_partition integer NOT NULL, source_offset bigint NOT NULL,
      fingerprint text NOT NULL, ingested_at timestamptz NOT NULL DEFAULT now(),
      corrected_by text, corrected_at timestamptz, correction_reason text
    );
    CREATE TABLE lines (
      id text NOT NULL REFERENCES "order", line_number integer NOT NULL, code varchar(3), extra jsonb,
      PRIMARY KEY (id, line_number)
    );
    CREATE TABLE notes (
      id text NOT NULL REFERENCES "order", line_number integer NOT NULL, note text,
      PRIMARY KEY (id, line_number)
    );`);
});
afterAll(async () => {
  await database.drop();
  await own.drop();
});

const LINES = orderItems({
  table: 'lines',
  items: (order: Order) => order.lines,
  columns: {
    code: { type: 'varchar(3)', value: (line) => line.code },
    extra: { type: 'jsonb', value: (line) => line.extra },
  },
});
const NOTES = orderItems({
  table: 'notes',
  items: (order: Order) => order.notes,
  columns: { note: { type: 'text', value: (note) => note } },
});

const tables = (items: readonly ItemTable<Order>[]) =>
  orderTables<Order>({
    table: 'order',
    idColumn: 'id',
    // The tables exist.
    migrations: import.meta.dirname,
    columns: {
      order: { type: 'varchar(5)', value: ({ order }) => order },
      source: { type: 'text', value: ({ source }) => source },
      big: { type: 'bigint', value: ({ big }) => big },
      rate: { type: 'numeric', value: ({ rate }) => rate },
      day: { type: 'date', value: ({ day }) => day },
      paid: { type: 'boolean', value: ({ paid }) => paid },
      extra: { type: 'jsonb', value: ({ extra }) => extra },
      reference: { type: 'text', value: ({ reference }) => reference },
    },
    items,
  });

const ORDER: Order = {
  ...{ order: 'first', source: 'web', big: 9223372036854775807n, rate: Decimal.from('-0.1900') },
  ...{ day: '2028-02-29', paid: false, extra: '{"b":[1.50,"{x}"],"a":null}', reference: null },
  lines: [
    { code: 'A"}', extra: '{"k":"a,\\\\b"}' },
    { code: 'B', extra: null },
  ],
  notes: ['one', null],
};
const EMPTY: Order = { ...ORDER, lines: [], notes: [] };

const record = (orderId: string, order: Order, fingerprint = '1:a'): OrderRecord<Order> => ({
  orderId,
  order,
  fingerprint,
  source: { topic: 'orders', partition: 2, offset: '9007199254740993' },
});

describe.each<{ readonly name: string; readonly items: readonly ItemTable<Order>[] }>([
  { name: 'no table of items', items: [] },
  { name: 'one table of items', items: [LINES] },
  { name: 'two tables of items', items: [LINES, NOTES] },
])('an order with $name', ({ items }) => {
  const storage = tables(items);
  const store = (orderId: string, order: Order, fingerprint?: string) =>
    createOrderStore(database.pool, storage).store(record(orderId, order, fingerprint));

  test.each([
    ['with all values', ORDER],
    ['with empty lists', EMPTY],
    ['with nulls', { ...EMPTY, order: null, day: null, extra: null }],
  ])('is stored once: %s', async (_what, order) => {
    const id = uniqueName('order');
    await expect(store(id, order)).resolves.toEqual({ kind: 'stored' });
    await expect(store(id, order)).resolves.toEqual({ kind: 'already-stored' });
    // A fingerprint of another form: the values are compared.
    await expect(store(id, order, '2:b')).resolves.toEqual({ kind: 'already-stored' });
    await expect(storage.hasValues(database.pool, id, order)).resolves.toBe(true);
    await expect(storage.findByIds(database.pool, [id, 'none'])).resolves.toEqual([
      {
        orderId: id,
        fingerprint: '1:a',
        source: { topic: 'orders', partition: 2, offset: '9007199254740993' },
        isCorrected: false,
      },
    ]);
  });

  test('is the same by value, whatever its spelling', async () => {
    const id = uniqueName('order');
    await store(id, ORDER);
    const same = {
      ...ORDER,
      rate: Decimal.from('-1.9e-1'),
      extra: '{"a": null, "b": [1.5, "{x}"]}',
    };
    await expect(store(id, same, '2:b')).resolves.toEqual({ kind: 'already-stored' });
  });

  test.each<[string, Partial<Order>]>([
    ['a text', { source: 'app' }],
    ['a null', { order: null }],
    ['an integer', { big: 9223372036854775806n }],
    ['a number', { rate: Decimal.from('-0.19001') }],
    ['a truth value', { paid: true }],
    ['JSON', { extra: '{"b":[1.51,"{x}"],"a":null}' }],
  ])('is a conflict if it differs in %s', async (_what, changes) => {
    const id = uniqueName('order');
    await store(id, ORDER);
    await expect(store(id, { ...ORDER, ...changes }, '1:b')).resolves.toMatchObject({
      kind: 'conflict',
      storedFrom: { offset: '9007199254740993' },
    });
  });

  describe('stored with a fingerprint of an older form', () => {
    const correction = { by: 'ada', at: '2026-11-24T09:30:00.000Z', reason: 'typo' };
    const again = (changes: Partial<OrderRecord<Order>>) => (id: string) =>
      createOrderStore(database.pool, storage).store({
        ...record(id, { ...ORDER, order: 'newer' }, '2:a'),
        ...changes,
      });
    const { source } = record('', ORDER);

    test('is the order of the message at its position, whatever a newer column says', async () => {
      const id = uniqueName('order');
      await store(id, { ...ORDER, order: null });
      await expect(again({})(id)).resolves.toEqual({ kind: 'already-stored' });
      for (const other of [
        { fingerprint: '1:b' },
        { source: { ...source, topic: 'other' } },
        { source: { ...source, partition: 3 } },
        { source: { ...source, offset: '9007199254740992' } },
        // A correction changes the order, which is not stored.
        { correction },
      ]) {
        await expect(again(other)(id)).resolves.toMatchObject({ kind: 'conflict' });
      }
    });

    test('is that of its own correction only', async () => {
      const id = uniqueName('order');
      await createOrderStore(database.pool, storage).store({ ...record(id, ORDER), correction });
      await expect(again({ correction })(id)).resolves.toEqual({ kind: 'already-stored' });
      const later = { ...correction, at: '2026-11-24T09:30:00.001Z' };
      await expect(again({ correction: later })(id)).resolves.toMatchObject({ kind: 'conflict' });
      await expect(again({})(id)).resolves.toMatchObject({ kind: 'conflict' });
    });
  });

  test('that violates another unique constraint is rejected, and the same order is not', async () => {
    const reference = uniqueName('reference');
    const id = uniqueName('order');
    await store(id, { ...ORDER, reference });
    await expect(store(uniqueName('order'), { ...ORDER, reference })).resolves.toMatchObject({
      kind: 'rejected',
      reason: expect.stringContaining('23505'),
    });
    // Postgres checks indexes in the order of their creation, which a rebuild changes.
    await database.pool.query('REINDEX INDEX CONCURRENTLY order_pkey');
    await expect(store(id, { ...ORDER, reference })).resolves.toEqual({ kind: 'already-stored' });
    await expect(store(id, { ...ORDER, reference, paid: true }, '1:b')).resolves.toMatchObject({
      kind: 'conflict',
    });
  });

  test('that is too long for a column is rejected, and not truncated', async () => {
    await expect(store(uniqueName('order'), { ...ORDER, order: 'longer' })).resolves.toMatchObject({
      kind: 'rejected',
    });
  });
});

describe('an order with items', () => {
  const storage = tables([LINES, NOTES]);
  const store = (orderId: string, order: Order, fingerprint?: string) =>
    createOrderStore(database.pool, storage).store(record(orderId, order, fingerprint));
  const [first, second] = ORDER.lines;

  test.each<[string, Partial<Order>]>([
    ['one more', { notes: ['one', null, null] }],
    ['one fewer', { notes: ['one'] }],
    ['none', { lines: [] }],
    ['another order', { lines: [second, first].flatMap((line) => line ?? []) }],
    ['another value', { notes: ['two', null] }],
  ])('is a conflict if it has %s', async (_what, changes) => {
    const id = uniqueName('order');
    await store(id, ORDER);
    await expect(store(id, { ...ORDER, ...changes }, '1:b')).resolves.toMatchObject({
      kind: 'conflict',
    });
  });

  test('is rejected as a whole if an item is too long, and not truncated', async () => {
    const id = uniqueName('order');
    const lines = [{ code: 'EURO', extra: null }];
    await expect(store(id, { ...ORDER, lines })).resolves.toMatchObject({ kind: 'rejected' });
    await expect(storage.findByIds(database.pool, [id])).resolves.toEqual([]);
  });

  test('is described with every value', async () => {
    const id = uniqueName('order');
    await createOrderStore(database.pool, storage).store({
      ...record(id, ORDER),
      correction: { by: 'ada', at: '2026-11-24T09:30:00.000Z', reason: 'typo' },
    });
    await expect(storage.describe(database.pool, id)).resolves.toMatchObject({
      columns: {
        ...{ order: 'first', source: 'web', big: '9223372036854775807', rate: '-0.1900' },
        ...{ day: '2028-02-29', paid: 'false', reference: null },
        message: 'orders/2/9007199254740993',
        corrected_by: 'ada',
        corrected_at: '2026-11-24T09:30:00.000000Z',
      },
      lists: {
        lines: {
          columns: ['code', 'extra'],
          numeric: [],
          rows: [
            ['A"}', expect.any(String)],
            ['B', null],
          ],
        },
        notes: { rows: [['one'], [null]] },
      },
    });
    await expect(storage.describe(database.pool, 'none')).resolves.toBeUndefined();
  });
});
