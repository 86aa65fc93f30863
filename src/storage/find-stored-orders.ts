import type { QueryConfig } from 'pg';
import type { StoredOrderRow } from './find-stored-order.ts';

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
