import type { PlainOrderRecord } from '../contract/ingest-workflow.ts';
import { parseOrderId } from '../contract/order-id.ts';
import type { Parsed } from '../contract/parsed.ts';
import { parseInstant } from './instant.ts';
import { Money } from './money.ts';
import type { OrderRecord } from './order-store.ts';
import { parseLineItems } from './order.ts';

export function toPlainRecord({ order, ...rest }: OrderRecord): PlainOrderRecord {
  return {
    ...rest,
    order: {
      ...order,
      totalPrice: order.totalPrice.toString(),
      lineItems: order.lineItems.map((item) => ({ ...item, unitPrice: item.unitPrice.toString() })),
    },
  };
}

/** Throws a RangeError if the record breaks a rule of the domain: a version with other rules wrote it. */
export function fromPlainRecord({ order, ...rest }: PlainOrderRecord): OrderRecord {
  return {
    ...rest,
    order: {
      orderId: trusted(parseOrderId(order.orderId)),
      createdAt: trusted(parseInstant(order.createdAt)),
      customerName: order.customerName,
      totalPrice: Money.from(order.totalPrice),
      lineItems: trusted(
        parseLineItems(
          order.lineItems.map((item) => ({ ...item, unitPrice: Money.from(item.unitPrice) })),
        ),
      ),
    },
  };
}

function trusted<Value>(parsed: Parsed<Value>): Value {
  if (!parsed.ok) throw new RangeError(`not a valid order record: expected ${parsed.expected}`);
  return parsed.value;
}
