import { z } from 'zod';
import { parseInstant } from '../domain/instant.ts';
import { Money } from '../domain/money.ts';
import {
  parseLineItems,
  parseQuantity,
  parseText,
  type LineItem,
  type Order,
} from '../domain/order.ts';
import { parseOrderId } from '../domain/order-id.ts';
import type { Parsed } from '../domain/parsed.ts';
import { digitsOf, jsonKind } from './json.ts';

/** A string of the message, put to a rule of the domain. */
const string = <Value>(rule: (text: string) => Parsed<Value>) =>
  field('a string', (value) => (typeof value === 'string' ? rule(value) : undefined));

/** A JSON number, whose digits are put to a rule of the domain. */
const number = <Value>(rule: (digits: string) => Parsed<Value>) =>
  field('a number', (value) => {
    const digits = digitsOf(value);
    return digits === undefined ? undefined : rule(digits);
  });

const price = field('a number or a decimal string', (value) => {
  const digits = typeof value === 'string' ? value : digitsOf(value);
  return digits === undefined ? undefined : Money.parse(digits);
});

const lineItem = z.object(
  { product_id: string(parseText), quantity: number(parseQuantity), unit_price: price },
  { error: (issue) => `expected an object, received ${jsonKind(issue.input)}` },
);

const lineItems = z
  .array(lineItem, { error: (issue) => `expected an array, received ${jsonKind(issue.input)}` })
  .transform((items, context) => unwrap(parseLineItems(items.map(toLineItem)), context));

const toLineItem = ({ product_id, quantity, unit_price }: z.output<typeof lineItem>): LineItem => ({
  productId: product_id,
  quantity,
  unitPrice: unit_price,
});

/**
 * The message as producers write it, each field put to its rule. Its input is what `parseJson`
 * gives. Fields that are not named here are ignored: a producer may add one.
 */
export const orderSchema = z.object(
  {
    order_id: string(parseOrderId),
    created_at: string(parseInstant),
    customer_name: string(parseText),
    total_price: price,
    line_items: lineItems,
  },
  { error: (issue) => `expected an object, received ${jsonKind(issue.input)}` },
);

export const toOrder = (message: z.output<typeof orderSchema>): Order => ({
  orderId: message.order_id,
  createdAt: message.created_at,
  customerName: message.customer_name,
  totalPrice: message.total_price,
  lineItems: message.line_items,
});

/**
 * `rule` answers undefined for a value of the wrong kind. Messages never hold the value itself. A
 * transform that stands alone takes a third of the time of one behind another schema.
 */
function field<Value>(kind: string, rule: (value: unknown) => Parsed<Value> | undefined) {
  return z.transform((value: unknown, context): Value => {
    const parsed = rule(value);
    if (parsed) return unwrap(parsed, context);
    context.addIssue({ code: 'custom', message: `expected ${kind}, received ${jsonKind(value)}` });
    return z.NEVER;
  });
}

function unwrap<Value>(parsed: Parsed<Value>, context: z.RefinementCtx): Value {
  if (parsed.ok) return parsed.value;
  context.addIssue({ code: 'custom', message: `expected ${parsed.expected}` });
  return z.NEVER;
}
