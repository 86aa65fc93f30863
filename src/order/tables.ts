import { orderItems, orderTables } from '../order-kit/order-tables.ts';
import type { Order } from './order.ts';

/** The tables of orders and of their line items. A migration that adds a column adds it here too. */
export const tables = orderTables<Order>({
  migrations: new URL('./migrations', import.meta.url),
  migrationsTable: 'order_ingest_migrations',
  table: 'orders',
  idColumn: 'order_id',
  columns: {
    created_at: { type: 'timestamptz', value: (order) => order.createdAt },
    customer_name: { type: 'text', value: (order) => order.customerName },
    total_price: { type: 'numeric', value: (order) => order.totalPrice.toString() },
  },
  items: [
    orderItems({
      table: 'order_line_items',
      name: 'line_items',
      items: (order: Order) => order.lineItems,
      columns: {
        product_id: { type: 'text', value: (item) => item.productId },
        quantity: { type: 'bigint', value: (item) => item.quantity },
        unit_price: { type: 'numeric', value: (item) => item.unitPrice.toString() },
      },
    }),
  ],
});
