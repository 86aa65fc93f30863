import type { OrderId } from '../contract/order-id.ts';
import type { Instant } from '../order-kit/instant.ts';
import type { Money } from '../order-kit/money.ts';

/** A valid order: every rule has been checked. */
export interface Order {
  readonly orderId: OrderId;
  readonly createdAt: Instant;
  readonly customerName: string;
  readonly totalPrice: Money;
  /** Never empty, and in the order of the message. */
  readonly lineItems: readonly LineItem[];
}

export interface LineItem {
  readonly productId: string;
  /** 1 to 2^53 - 1, the largest integer that a JavaScript number holds safely. */
  readonly quantity: number;
  readonly unitPrice: Money;
}
