import type { QueryConfig } from 'pg';
import type { OrderRecord } from '../domain/order-store.ts';

/**
 * Inserts an order and all its line items, or nothing, in one statement and so in one round trip
 * and one transaction. Affects no row when the order ID is taken.
 */
export const insertOrder = ({
  order,
  source,
  fingerprint,
  correction,
}: OrderRecord): QueryConfig => ({
  name: 'insert-order',
  text: INSERT_ORDER,
  values: [
    order.orderId,
    order.createdAt,
    order.customerName,
    order.totalPrice.toString(),
    source.topic,
    source.partition,
    source.offset,
    fingerprint,
    correction?.by,
    correction?.at,
    correction?.reason,
    order.lineItems.map((item) => item.productId),
    order.lineItems.map((item) => item.quantity),
    order.lineItems.map((item) => item.unitPrice.toString()),
  ],
});

const INSERT_ORDER = `
WITH inserted AS (
  INSERT INTO orders (
    order_id, created_at, customer_name, total_price,
    source_topic, source_partition, source_offset, fingerprint,
    corrected_by, corrected_at, correction_reason
  )
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
  ON CONFLICT (order_id) DO NOTHING
  RETURNING order_id
), inserted_items AS (
  INSERT INTO order_line_items (order_id, line_number, product_id, quantity, unit_price)
  SELECT inserted.order_id, item.line_number, item.product_id, item.quantity, item.unit_price
  FROM inserted, unnest($12::text[], $13::bigint[], $14::numeric[])
    WITH ORDINALITY AS item (product_id, quantity, unit_price, line_number)
)
SELECT FROM inserted`;
