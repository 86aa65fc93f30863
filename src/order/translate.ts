import type { Order } from './order.ts';
import {
  instant,
  integer,
  list,
  money,
  object,
  orderId,
  text,
  translateWith,
} from '../order-kit/fields.ts';

/** The message as producers write it: every field with its rule. Unknown fields are ignored. */
const message = object({
  order_id: orderId,
  created_at: instant,
  customer_name: text(),
  total_price: money,
  line_items: list(
    object({ product_id: text(), quantity: integer({ min: 1 }), unit_price: money }),
    { min: 1 },
  ),
});

/** The anti-corruption layer: translates a message into an order of the domain. */
export const translate = translateWith(message, (fields): Order => ({
  orderId: fields.order_id,
  createdAt: fields.created_at,
  customerName: fields.customer_name,
  totalPrice: fields.total_price,
  lineItems: fields.line_items.map(({ product_id, quantity, unit_price }) => ({
    productId: product_id,
    quantity,
    unitPrice: unit_price,
  })),
}));
