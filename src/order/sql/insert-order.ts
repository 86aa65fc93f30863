import type { QueryConfig } from 'pg';
import type { OrderRecord } from '../order-store.ts';
import { statementName } from '../../postgres/statements.ts';
import { isDatabaseError } from '../../postgres/sql-state.ts';

/**
 * Inserts an order and all its line items, or nothing, in one statement and so in one round trip
 * and one transaction. Fails with a unique violation when the order ID is taken: `ON CONFLICT` would
 * cost each new order a sixth more, and workflow IDs leave few that come here a second time.
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

/** Whether an insert has failed because the order is there. */
export const isOrderIdTaken = (error: unknown): boolean =>
  isDatabaseError(error) &&
  error.code === UNIQUE_VIOLATION &&
  PRIMARY_KEYS.includes(error.constraint ?? '');

const UNIQUE_VIOLATION = '23505';
/** Of both tables: it is not said which of them Postgres looks at first. */
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
