import { parseOrderId } from '../contract/order-id.ts';
import type { Parsed } from '../contract/parsed.ts';
import { parseInstant } from '../order-kit/instant.ts';
import { Money } from '../order-kit/money.ts';
import type { Order } from './order.ts';

/** An order as JSON, as it crosses Temporal. Amounts are decimal digits. */
export interface PlainOrder {
  readonly orderId: string;
  readonly createdAt: string;
  readonly customerName: string;
  readonly totalPrice: string;
  readonly lineItems: readonly {
    readonly productId: string;
    readonly quantity: number;
    readonly unitPrice: string;
  }[];
}

export const toPlainOrder = (order: Order): PlainOrder => ({
  ...order,
  totalPrice: order.totalPrice.toString(),
  lineItems: order.lineItems.map((item) => ({ ...item, unitPrice: item.unitPrice.toString() })),
});

/** Throws a RangeError if the order breaks a rule of the domain: a version with other rules wrote it. */
export function fromPlainOrder(order: PlainOrder): Order {
  if (order.lineItems.length === 0) throw new RangeError('not a valid order: no line item');
  return {
    orderId: trusted(parseOrderId(order.orderId)),
    createdAt: trusted(parseInstant(order.createdAt)),
    customerName: order.customerName,
    totalPrice: Money.from(order.totalPrice),
    lineItems: order.lineItems.map((item) => ({ ...item, unitPrice: Money.from(item.unitPrice) })),
  };
}

function trusted<Value>(parsed: Parsed<Value>): Value {
  if (!parsed.ok) throw new RangeError(`not a valid order: expected ${parsed.expected}`);
  return parsed.value;
}
