import type { QueryConfig } from 'pg';

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
