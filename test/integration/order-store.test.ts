import fc from 'fast-check';
import type { OrderRecord } from '../../src/contract/order-module.ts';
import type { Order } from '../../src/order/order.ts';
import { orderModule } from '../../src/order/order-module.ts';
import { Money } from '../../src/order-kit/money.ts';
import type { OrderStore } from '../../src/worker/order-store.ts';
import { createDatabasePool } from '../../src/postgres/database-pool.ts';
import { arbitraryOrder } from '../support/arbitrary-order.ts';
import { postgresOrderStore, recordOf as recordFrom } from '../support/built-in-order.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { createInMemoryOrderStore } from '../support/in-memory-order-store.ts';
import { orderText } from '../support/messages.ts';
import { STORED_BY_V0_1_0, DIFFERENT_ORDERS, SAME_ORDERS } from '../support/order-variants.ts';
import { uniqueName } from '../support/stack.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());

const recordOf = (text: string, offset = '7') =>
  recordFrom(text, { topic: 'orders', partition: 3, offset });

describe.each<[string, () => OrderStore]>([
  ['Postgres', () => postgresOrderStore(database.pool)],
  ['memory', createInMemoryOrderStore],
])('an order store in %s', (_name, createStore) => {
  test('stores an order once and accepts the same order again', async () => {
    const store = createStore();
    const id = uniqueName('order');
    await expect(store.store(recordOf(orderText(id)))).resolves.toEqual({ kind: 'stored' });
    const again = recordOf(orderText(id).replaceAll(', ', ',\n'), '8');
    await expect(store.store(again)).resolves.toEqual({ kind: 'already-stored' });
  });

  test('reports a different order with the same ID, with the source of the stored one', async () => {
    const store = createStore();
    const id = uniqueName('order');
    await store.store(recordOf(orderText(id)));
    await expect(store.store(recordOf(orderText(id, { total_price: '1' }), '9'))).resolves.toEqual({
      kind: 'conflict',
      storedFrom: { topic: 'orders', partition: 3, offset: '7' },
    });
  });

  test('rejects data that it cannot store', async () => {
    const record = recordOf(orderText(uniqueName('order'), { customer_name: '"a\\u0000b"' }));
    await expect(createStore().store(record)).resolves.toMatchObject({ kind: 'rejected' });
  });
});

describe('a row written by version 0.1.0', () => {
  const ANOTHER_OFFSET = '8';
  let old: TestDatabase;
  beforeAll(async () => {
    old = await createTestDatabase();
    const record = {
      ...recordOf(STORED_BY_V0_1_0.text),
      fingerprint: STORED_BY_V0_1_0.fingerprint,
    };
    await postgresOrderStore(old.pool).store(record);
  });
  afterAll(() => old.drop());

  const outcomeOf = async (record: OrderRecord) =>
    (await postgresOrderStore(old.pool).store(record)).kind;
  const changed = (changes: Readonly<Record<string, string>>) =>
    recordOf(orderText(STORED_BY_V0_1_0.orderId, changes), ANOTHER_OFFSET);

  test.each(Object.entries({ 'no change': {}, ...SAME_ORDERS }))(
    'holds the same order as a message with %s',
    async (_name, changes) => {
      await expect(outcomeOf(changed(changes))).resolves.toBe('already-stored');
    },
  );

  test.each(Object.entries(DIFFERENT_ORDERS))(
    'does not hold the same order as a message with %s',
    async (_name, changes) => {
      await expect(outcomeOf(changed(changes))).resolves.toBe('conflict');
    },
  );

  test('holds the same order as a record in a workflow that this version started', async () => {
    const record = changed(SAME_ORDERS['an unknown field'] ?? {});
    await expect(outcomeOf({ ...record, fingerprint: 'f'.repeat(64) })).resolves.toBe(
      'already-stored',
    );
  });
});

/** The record after it has crossed Temporal as JSON. */
function crossing(record: OrderRecord<Order>): OrderRecord {
  const json: unknown = JSON.parse(JSON.stringify(orderModule.toJson?.(record.order)));
  return { ...record, order: orderModule.fromJson?.(json) };
}

describe('the order store in Postgres', () => {
  test('stores any valid order without loss, after it has crossed Temporal', async () => {
    const store = postgresOrderStore(database.pool);
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(arbitraryOrder, async ({ order, text }) => {
        if (seen.has(order.orderId)) return;
        seen.add(order.orderId);
        const record = crossing(recordOf(text));
        await expect(store.store(record)).resolves.toEqual({ kind: 'stored' });
        const row = await readOrder(order.orderId);
        expect(row).toMatchObject({
          createdAt: order.createdAt,
          customer_name: order.customerName,
          source_topic: 'orders',
          source_partition: 3,
          source_offset: '7',
          fingerprint: record.fingerprint,
        });
        expect(Money.from(row.total_price).toPlainString()).toBe(
          Money.from(order.totalPrice.digits).toPlainString(),
        );
        expect(row.items).toEqual(
          order.lineItems.map((item, index) => ({
            line_number: index + 1,
            product_id: item.productId,
            quantity: String(item.quantity),
            unit_price: item.unitPrice.digits,
          })),
        );
      }),
      { numRuns: 200 },
    );
  });

  test('stores amounts that are written with an exponent', async () => {
    const id = uniqueName('order');
    const text = orderText(id, { total_price: '1e400' });
    await postgresOrderStore(database.pool).store(recordOf(text));
    expect((await readOrder(id)).total_price).toBe(`1${'0'.repeat(400)}`);
  });

  test('stores an order with all its line items or not at all', async () => {
    const id = uniqueName('order');
    const items =
      '[{"product_id":"A","quantity":1,"unit_price":1},{"product_id":"B\\u0000","quantity":1,"unit_price":1}]';
    const outcome = await postgresOrderStore(database.pool).store(
      recordOf(orderText(id, { line_items: items })),
    );
    expect(outcome).toEqual({
      kind: 'rejected',
      reason: 'character not in repertoire: a NUL character cannot be stored (SQLSTATE 22021)',
    });
    const { rows } = await database.pool.query('SELECT FROM orders WHERE order_id = $1', [id]);
    expect(rows).toHaveLength(0);
  });

  test('stores an order once when it arrives many times at once', async () => {
    const store = postgresOrderStore(database.pool);
    const id = uniqueName('order');
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => store.store(recordOf(orderText(id), String(n)))),
    );
    expect(outcomes.filter(({ kind }) => kind === 'stored')).toHaveLength(1);
    expect(outcomes.filter(({ kind }) => kind === 'already-stored')).toHaveLength(19);
  });

  test('stores one of many different orders that arrive at once with the same ID', async () => {
    const store = postgresOrderStore(database.pool);
    const id = uniqueName('order');
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        store.store(recordOf(orderText(id, { total_price: String(n) }))),
      ),
    );
    expect(outcomes.map(({ kind }) => kind).sort()).toEqual([
      ...Array<string>(9).fill('conflict'),
      'stored',
    ]);
  });

  test('throws transient errors with the reason', async () => {
    const pool = createDatabasePool({
      url: 'postgres://nobody:wrong@127.0.0.1:1/none',
      connectTimeoutMs: 60_000,
      statementTimeoutMs: 1000,
      maxConnections: 1,
      onIdleError: () => undefined,
    });
    try {
      const store = postgresOrderStore(pool);
      await expect(store.store(recordOf(orderText('A')))).rejects.toThrow(
        'ECONNREFUSED 127.0.0.1:1',
      );
    } finally {
      await pool.end();
    }
  });

  async function readOrder(orderId: string) {
    const { rows } = await database.pool.query<{
      createdAt: string;
      customer_name: string;
      total_price: string;
    }>(
      `SELECT *, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS "createdAt"
       FROM orders WHERE order_id = $1`,
      [orderId],
    );
    const items = await database.pool.query(
      `SELECT line_number, product_id, quantity, unit_price FROM order_line_items
       WHERE order_id = $1 ORDER BY line_number`,
      [orderId],
    );
    if (!rows[0]) throw new Error(`no row for ${orderId}`);
    return { ...rows[0], items: items.rows as unknown[] };
  }
});
