import type { QueryConfig } from 'pg';
import { isDatabaseError } from '../../postgres/sql-state.ts';
import { statementName } from '../../postgres/statements.ts';
import type { OrderRecord } from '../order-store.ts';

/**
 * Inserts an order with all its line items, or nothing, in one statement: one round trip and one
 * transaction. Fails with a unique violation if the order ID is taken. `ON CONFLICT` would make every new
 * order a sixth more expensive, and workflow IDs let few orders arrive here twice.
 */
export const insertOrder = ({
  order,
  source,
  fingerprint,
  correction,
}: OrderRecord): QueryConfig => ({
  name: NAME,
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

/** Whether an insert failed because the order ID is taken. */
export const isOrderIdTaken = (error: unknown): boolean =>
  isDatabaseError(error) &&
  error.code === UNIQUE_VIOLATION &&
  PRIMARY_KEYS.includes(error.constraint ?? '');

const UNIQUE_VIOLATION = '23505';
/** Those of both tables, because Postgres does not define which one it checks first. */
const PRIMARY_KEYS = ['orders_pkey', 'order_line_items_pkey'];

const INSERT_ORDER = `
WITH item AS (
  INSERT INTO order_line_items (order_id, line_number, product_id, quantity, unit_price)
  SELECT $1, line_number, product_id, quantity, unit_price
  FROM unnest($12::text[], $13::bigint[], $14::numeric[])
    WITH ORDINALITY AS item (product_id, quantity, unit_price, line_number)
)
INSERT INTO orders (
  order_id, created_at, customer_name, total_price,
  source_topic, source_partition, source_offset, fingerprint,
  corrected_by, corrected_at, correction_reason
)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`.trim();

const NAME = statementName('insert-order', INSERT_ORDER);
