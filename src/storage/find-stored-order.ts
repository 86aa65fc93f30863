import type { QueryConfig } from 'pg';
import type { Order } from '../order/order.ts';
import { statementName } from './prepared-statement.ts';

export interface StoredOrderRow {
  readonly fingerprint: string;
  readonly source_topic: string;
  readonly source_partition: number;
  /** `bigint`, which pg gives as digits. */
  readonly source_offset: string;
}

export interface ComparedOrderRow extends StoredOrderRow {
  readonly has_same_values: boolean;
}

/**
 * What is stored under the order's ID, and whether it is this order. Values are compared, so that
 * this also holds for rows whose fingerprint an older version has written: 10.50 is 10.5.
 */
export const findStoredOrder = (order: Order): QueryConfig => ({
  name: NAME,
  text: FIND_STORED_ORDER,
  values: [
    order.orderId,
    order.createdAt,
    order.customerName,
    order.totalPrice.toString(),
    order.lineItems.map((item) => item.productId),
    order.lineItems.map((item) => item.quantity),
    order.lineItems.map((item) => item.unitPrice.toString()),
  ],
});

const FIND_STORED_ORDER = `
SELECT fingerprint, source_topic, source_partition, source_offset,
  created_at = $2 AND customer_name = $3 AND total_price = $4 AND NOT EXISTS (
    SELECT
    FROM (
      SELECT line_number, product_id, quantity, unit_price
      FROM order_line_items
      WHERE order_line_items.order_id = $1
    ) AS stored
    FULL JOIN unnest($5::text[], $6::bigint[], $7::numeric[])
      WITH ORDINALITY AS item (product_id, quantity, unit_price, line_number) USING (line_number)
    WHERE (stored.product_id, stored.quantity, stored.unit_price)
      IS DISTINCT FROM (item.product_id, item.quantity, item.unit_price)
  ) AS has_same_values
FROM orders
WHERE order_id = $1`.trim();

const NAME = statementName('find-stored-order', FIND_STORED_ORDER);
