import { z } from 'zod';
import { parseInstant } from '../domain/instant.ts';
import { Money } from '../domain/money.ts';
import { parseLineItems, parseQuantity, parseText, type Order } from '../domain/order.ts';
import { parseOrderId } from '../domain/order-id.ts';
import type { Parsed } from '../domain/parsed.ts';
import { JsonNumber, jsonKind } from './json.ts';

/** A string of the message, put to a rule of the domain. */
const string = <Value>(rule: (text: string) => Parsed<Value>) =>
  field('a string', (value) => (typeof value === 'string' ? rule(value) : undefined));

/** A JSON number, whose digits are put to a rule of the domain. */
const number = <Value>(rule: (digits: string) => Parsed<Value>) =>
  field('a number', (value) => (value instanceof JsonNumber ? rule(value.digits) : undefined));

const price = field('a number or a decimal string', (value) => {
  if (value instanceof JsonNumber) return Money.parse(value.digits);
  return typeof value === 'string' ? Money.parse(value) : undefined;
});

const lineItem = z
  .object(
    { product_id: string(parseText), quantity: number(parseQuantity), unit_price: price },
    { error: (issue) => `expected an object, received ${jsonKind(issue.input)}` },
  )
  .transform((item) => ({
    productId: item.product_id,
    quantity: item.quantity,
    unitPrice: item.unit_price,
  }));

const lineItems = z
  .array(lineItem, { error: (issue) => `expected an array, received ${jsonKind(issue.input)}` })
  .transform((items, context) => unwrap(parseLineItems(items), context));

/**
 * The message as producers write it, turned into the domain's order. Its input is what `parseJson`
 * gives. Fields that are not named here are ignored: a producer may add one.
 */
export const orderSchema = z
  .object(
    {
      order_id: string(parseOrderId),
      created_at: string(parseInstant),
      customer_name: string(parseText),
      total_price: price,
      line_items: lineItems,
    },
    { error: (issue) => `expected an object, received ${jsonKind(issue.input)}` },
  )
  .transform((message): Order => ({
    orderId: message.order_id,
    createdAt: message.created_at,
    customerName: message.customer_name,
    totalPrice: message.total_price,
    lineItems: message.line_items,
  }));

/** `rule` answers undefined for a value of the wrong kind. Messages never hold the value itself. */
function field<Value>(kind: string, rule: (value: unknown) => Parsed<Value> | undefined) {
  return z.unknown().transform((value, context): Value => {
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
