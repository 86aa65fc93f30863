import type { Pool } from 'pg';
import { runStatement, statementName, type StatementPool } from '../../postgres/statements.ts';
import type { Order } from '../order.ts';

/** The message that a stored order came from. */
interface StoredSource {
  readonly fingerprint: string;
  readonly source_topic: string;
  readonly source_partition: number;
  /** A `bigint`, which pg returns as digits. */
  readonly source_offset: string;
}

/** The row with an order's ID, compared with that order. */
export interface OrderComparison extends StoredSource {
  readonly has_same_values: boolean;
}

/**
 * Compares an order with the row that has its ID. Undefined when there is none. Values are compared and
 * not texts: 10.50 equals 10.5. This also recognizes a row whose fingerprint an older version wrote.
 */
export async function compareWithStored(
  pool: StatementPool,
  order: Order,
): Promise<OrderComparison | undefined> {
  const { rows } = await runStatement<OrderComparison>(
    pool,
    { operation: 'SELECT', table: 'orders' },
    {
      name: COMPARE_NAME,
      text: COMPARE_ORDER,
      values: [
        order.orderId,
        order.createdAt,
        order.customerName,
        order.totalPrice.toString(),
        order.lineItems.map((item) => item.productId),
        order.lineItems.map((item) => item.quantity),
        order.lineItems.map((item) => item.unitPrice.toString()),
      ],
    },
  );
  return rows[0];
}

const COMPARE_ORDER = `
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

const COMPARE_NAME = statementName('compare-order', COMPARE_ORDER);

export interface StoredOrderRow extends StoredSource {
  readonly order_id: string;
  /** Whether an operator has corrected the message, so that the row differs from what it said. */
  readonly is_corrected: boolean;
}

/** The rows with these order IDs, at most one each. */
export async function findStoredOrders(
  pool: Pick<Pool, 'query'>,
  orderIds: readonly string[],
): Promise<readonly StoredOrderRow[]> {
  const { rows } = await pool.query<StoredOrderRow>(
    `
SELECT order_id, fingerprint, source_topic, source_partition, source_offset,
  corrected_by IS NOT NULL AS is_corrected
FROM orders
WHERE order_id = ANY($1::text[])`,
    [orderIds],
  );
  return rows;
}

/** An order with all its columns and line items, as text. */
export interface StoredOrder {
  readonly created_at: string;
  readonly customer_name: string;
  readonly total_price: string;
  /** `topic/partition/offset` */
  readonly source: string;
  readonly fingerprint: string;
  readonly ingested_at: string;
  /** Null unless an operator has corrected the message. */
  readonly corrected_by: string | null;
  readonly corrected_at: string | null;
  readonly correction_reason: string | null;
  readonly line_items: readonly {
    readonly product_id: string;
    readonly quantity: string;
    readonly unit_price: string;
  }[];
}

/** The stored order with this ID; undefined when there is none. */
export async function findStoredOrder(
  pool: Pick<Pool, 'query'>,
  orderId: string,
): Promise<StoredOrder | undefined> {
  const { rows } = await pool.query<StoredOrder>(
    `
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
    [orderId],
  );
  return rows[0];
}

/**
 * How many orders have ever been inserted, from Postgres's statistics: as cheap for a large table as for
 * a small one, and about a second behind.
 */
export async function countInsertedOrders(pool: Pick<Pool, 'query'>): Promise<number> {
  const { rows } = await pool.query<{ inserted: string }>(
    "SELECT coalesce(max(pg_stat_get_tuples_inserted(to_regclass('orders'))), 0) AS inserted",
  );
  return Number(rows[0]?.inserted ?? 0);
}
