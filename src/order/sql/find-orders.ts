import type { QueryConfig, Pool } from 'pg';
import type { Order } from '../order.ts';
import { statementName } from '../../postgres/statements.ts';

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

/** What is stored under many order IDs: at most a row each. */
export const findStoredOrders = (orderIds: readonly string[]): QueryConfig => ({
  text: `
SELECT order_id, fingerprint, source_topic, source_partition, source_offset,
  corrected_by IS NOT NULL AS is_corrected
FROM orders
WHERE order_id = ANY($1::text[])`,
  values: [orderIds],
});

export interface IdentifiedOrderRow extends StoredOrderRow {
  readonly order_id: string;
  /** Whether it holds another content than the message that it came from. */
  readonly is_corrected: boolean;
}

/** An order as it stands in the tables, its values as text. */
export interface StoredOrder {
  readonly created_at: string;
  readonly customer_name: string;
  readonly total_price: string;
  readonly source: string;
  readonly fingerprint: string;
  readonly ingested_at: string;
  /** Null where the message is stored as it came. */
  readonly corrected_by: string | null;
  readonly corrected_at: string | null;
  readonly correction_reason: string | null;
  readonly line_items: readonly {
    readonly product_id: string;
    readonly quantity: string;
    readonly unit_price: string;
  }[];
}

/** One row, or none. */
export const readStoredOrder = (orderId: string): QueryConfig => ({
  text: `
SELECT
  to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS created_at,
  customer_name,
  total_price::text AS total_price,
  source_topic || '/' || source_partition || '/' || source_offset AS source,
  fingerprint,
  to_char(ingested_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS ingested_at,
  corrected_by,
  to_char(corrected_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS corrected_at,
  correction_reason,
  (
    SELECT coalesce(json_agg(json_build_object(
      'product_id', product_id, 'quantity', quantity::text, 'unit_price', unit_price::text
    ) ORDER BY line_number), '[]')
    FROM order_line_items AS item
    WHERE item.order_id = orders.order_id
  ) AS line_items
FROM orders
WHERE order_id = $1`,
  values: [orderId],
});

/**
 * How many orders were ever inserted, by Postgres's statistics: cheap however many there are, and a
 * second or so behind.
 */
export async function countInserted(pool: Pick<Pool, 'query'>): Promise<number> {
  const { rows } = await pool.query<{ inserted: string }>(
    "SELECT coalesce(max(pg_stat_get_tuples_inserted(to_regclass('orders'))), 0) AS inserted",
  );
  return Number(rows[0]?.inserted ?? 0);
}
