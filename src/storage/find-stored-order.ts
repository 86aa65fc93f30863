import type { QueryConfig } from 'pg';
import type { OrderId } from '../domain/order-id.ts';

export interface StoredOrderRow {
  readonly fingerprint: string;
  readonly source_topic: string;
  readonly source_partition: number;
  /** `bigint`, which pg gives as digits. */
  readonly source_offset: string;
}

/** What is stored under an order ID, as far as it tells one content from another. */
export const findStoredOrder = (orderId: OrderId): QueryConfig => ({
  name: 'find-stored-order',
  text: `
SELECT fingerprint, source_topic, source_partition, source_offset
FROM orders
WHERE order_id = $1`.trim(),
  values: [orderId],
});
