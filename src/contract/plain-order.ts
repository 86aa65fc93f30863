import { parseInstant } from '../domain/instant.ts';
import { Money } from '../domain/money.ts';
import { parseLineItems } from '../domain/order.ts';
import { parseOrderId } from '../domain/order-id.ts';
import type { Correction, MessageSource, OrderRecord } from '../domain/order-store.ts';
import type { Parsed } from '../domain/parsed.ts';

/** An `OrderRecord` as JSON, the only thing that crosses Temporal unharmed: amounts are digits. */
export interface PlainOrderRecord {
  readonly order: PlainOrder;
  readonly source: MessageSource;
  /** In the form of whichever version began the workflow. */
  readonly fingerprint: string;
  readonly correction?: Correction | undefined;
}

interface PlainOrder {
  readonly orderId: string;
  readonly createdAt: string;
  readonly customerName: string;
  readonly totalPrice: string;
  readonly lineItems: readonly PlainLineItem[];
}

interface PlainLineItem {
  readonly productId: string;
  readonly quantity: number;
  readonly unitPrice: string;
}

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

/** Throws when the record breaks a rule of the domain, which only another version could have sent. */
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
  if (!parsed.ok) throw new RangeError(`not an order record: expected ${parsed.expected}`);
  return parsed.value;
}
