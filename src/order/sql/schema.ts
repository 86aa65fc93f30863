import { fileURLToPath } from 'node:url';
import type { Schema } from '../../postgres/schema.ts';

/** The tables of orders. A migration that adds a column adds it here too. */
export const ORDER_SCHEMA = {
  migrationsDir: fileURLToPath(new URL('./migrations', import.meta.url)),
  migrationsTable: 'order_ingest_migrations',
  tables: {
    orders: [
      ...['order_id', 'created_at', 'customer_name', 'total_price'],
      ...['source_topic', 'source_partition', 'source_offset', 'fingerprint', 'ingested_at'],
      ...['corrected_by', 'corrected_at', 'correction_reason'],
    ],
    order_line_items: ['order_id', 'line_number', 'product_id', 'quantity', 'unit_price'],
  },
} as const satisfies Schema;
