import type { Pool } from 'pg';
import type { OrderRecord } from '../../src/contract/order-module.ts';
import type { Order } from '../../src/order/order.ts';
import { postgresOrderStore } from '../../test/support/built-in-order.ts';
import { createStoreLoad } from '../harness/store-load.ts';
import type { Benchmark } from './benchmark.ts';

/** The simplest statement that inserts the same rows. It does not handle an existing order. */
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
  ratio: 'orders by the order store ÷ by one hand-written statement for the same rows',
  unit: 'orders/s',
  goal: { atLeast: 0.9 },
  code: ['bench/benchmarks/store.ts', 'src/order/order-module.ts', 'src/worker/order-store.ts'],
  async prepare() {
    const load = await createStoreLoad();
    const orderStore = postgresOrderStore(load.pool);
    return {
      subject: {
        name: 'the store',
        measure: () => load.measure((record) => orderStore.store(record)),
      },
      baseline: {
        name: 'hand-written SQL',
        measure: () => load.measure((record) => insertByHand(load.pool, record)),
      },
      close: () => load.close(),
    };
  },
};

const insertByHand = (pool: Pool, { order, source, fingerprint }: OrderRecord<Order>) =>
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
