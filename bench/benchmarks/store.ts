import pMap from 'p-map';
import type { Pool } from 'pg';
import { fingerprintOf } from '../../src/contract/fingerprint.ts';
import { translateMessage } from '../../src/contract/translate-message.ts';
import type { OrderRecord } from '../../src/domain/order-store.ts';
import { createDatabasePool } from '../../src/storage/database-pool.ts';
import { createPostgresOrderStore } from '../../src/storage/postgres-order-store.ts';
import { createTestDatabase } from '../../test/support/database.ts';
import type { Sample } from '../harness/compare.ts';
import { orderText } from '../harness/orders.ts';
import { timed } from '../harness/processes.ts';
import type { Benchmark } from './benchmark.ts';

const COUNT = 20_000;
const CONCURRENCY = 16;

/** The least that puts the same rows there: no look whether they are there already. */
const BY_HAND = `
WITH item AS (
  INSERT INTO order_line_items (order_id, line_number, product_id, quantity, unit_price)
  SELECT $1, line_number, product_id, quantity, unit_price
  FROM unnest($9::text[], $10::bigint[], $11::numeric[])
    WITH ORDINALITY AS item (product_id, quantity, unit_price, line_number)
)
INSERT INTO orders (
  order_id, created_at, customer_name, total_price,
  source_topic, source_partition, source_offset, fingerprint
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`;

export const store: Benchmark = {
  name: 'store',
  ratio: 'orders through the store ÷ one hand-written statement for the same rows',
  unit: 'orders/s',
  goal: { atLeast: 0.9 },
  async prepare() {
    const database = await createTestDatabase();
    const pool = createDatabasePool({
      url: database.url,
      connectTimeoutMs: 5000,
      statementTimeoutMs: 30_000,
      maxConnections: CONCURRENCY,
      onIdleError: () => undefined,
    });
    const orderStore = createPostgresOrderStore(pool);
    let made = 0;
    const measured = async (work: (record: OrderRecord) => Promise<unknown>): Promise<Sample> => {
      const records = Array.from({ length: COUNT }, () => recordOf(`A-${(made += 1)}`));
      const seconds = await timed(() => pMap(records, work, { concurrency: CONCURRENCY }));
      return { value: COUNT / seconds };
    };
    return {
      subject: {
        name: 'the store',
        measure: () => measured((record) => orderStore.store(record)),
      },
      baseline: {
        name: 'hand-written SQL',
        measure: () => measured((record) => insertByHand(pool, record)),
      },
      async close() {
        await pool.end();
        await database.drop();
      },
    };
  },
};

const insertByHand = (pool: Pool, { order, source, fingerprint }: OrderRecord) =>
  pool.query({
    name: 'by-hand',
    text: BY_HAND,
    values: [
      order.orderId,
      order.createdAt,
      order.customerName,
      order.totalPrice.toString(),
      source.topic,
      source.partition,
      source.offset,
      fingerprint,
      order.lineItems.map(({ productId }) => productId),
      order.lineItems.map(({ quantity }) => quantity),
      order.lineItems.map(({ unitPrice }) => unitPrice.toString()),
    ],
  });

function recordOf(orderId: string): OrderRecord {
  const translation = translateMessage(orderText(orderId));
  if (translation.kind !== 'translated') throw new Error('the benchmark makes no valid orders');
  const { order, json } = translation;
  const fingerprint = fingerprintOf(json);
  return { order, source: { topic: 'orders', partition: 0, offset: '1' }, fingerprint };
}
