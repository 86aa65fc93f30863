import Big from 'big.js';
import { type OrderId, isLongerThan } from '../contract/order-id.ts';
import { ok, err, type Parsed } from '../contract/parsed.ts';
import type { Instant } from './instant.ts';
import type { Money } from './money.ts';

/** A valid order: every rule has been checked. */
export interface Order {
  readonly orderId: OrderId;
  readonly createdAt: Instant;
  readonly customerName: string;
  readonly totalPrice: Money;
  /** Never empty, and in the order of the message. */
  readonly lineItems: readonly [LineItem, ...LineItem[]];
}

export interface LineItem {
  readonly productId: string;
  /** 1 to 2^53 - 1, the largest integer that a JavaScript number holds safely. */
  readonly quantity: number;
  readonly unitPrice: Money;
}

/** In code points, as all lengths here. */
export const TEXT_MAX_CHARACTERS = 1000;

/** A customer's name or a product's ID: text in any script, stored unchanged. */
export function parseText(text: string): Parsed<string> {
  if (text === '' || isLongerThan(text, TEXT_MAX_CHARACTERS)) {
    return err(`1 to ${TEXT_MAX_CHARACTERS} characters`);
  }
  if (!text.isWellFormed()) return err('well-formed Unicode without lone surrogates');
  return ok(text);
}

/** Accepts digits too: as a JavaScript number, 1.00000000000000001 would be 1 and pass. */
export function parseQuantity(exact: number | string): Parsed<number> {
  const quantity = Number(exact);
  const isQuantity =
    Number.isSafeInteger(quantity) &&
    quantity >= 1 &&
    (typeof exact === 'number' || new Big(exact).eq(quantity));
  return isQuantity ? ok(quantity) : err(`an integer from 1 to ${Number.MAX_SAFE_INTEGER}`);
}

export function parseLineItems(lineItems: readonly LineItem[]): Parsed<Order['lineItems']> {
  return hasOne(lineItems) ? ok(lineItems) : err('at least one line item');
}

const hasOne = (lineItems: readonly LineItem[]): lineItems is Order['lineItems'] =>
  lineItems.length > 0;
