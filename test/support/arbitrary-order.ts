import fc from 'fast-check';
import { characterCount } from '../../src/contract/order-id.ts';

/** Any valid price: its digits, and its JSON as a number or a string. */
const price = fc
  .tuple(
    fc.bigInt({ min: 0n, max: 10n ** 30n }),
    fc.option(fc.stringMatching(/^[0-9]{1,20}$/), { nil: undefined }),
    fc.boolean(),
  )
  .map(([integer, fraction, isQuoted]) => {
    const digits = fraction === undefined ? String(integer) : `${integer}.${fraction}`;
    return { digits, json: isQuoted ? `"${digits}"` : digits };
  });

/** Any text that Postgres can store: well-formed and without NUL. */
const text = (maxLength: number) =>
  fc
    .string({ unit: 'binary', minLength: 1, maxLength })
    .filter((value) => !value.includes('\0') && value.isWellFormed());

/** Any valid order ID made of graphemes. */
export const arbitraryOrderId = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  .filter(
    (value) => value.trim() === value && !/\p{Cc}/u.test(value) && characterCount(value) <= 200,
  );

const microseconds = fc.integer({ min: 0, max: 999_999 }).map((n) => String(n).padStart(6, '0'));

const createdAt = fc
  .tuple(
    fc.date({ min: new Date('0002-01-01'), max: new Date('9998-12-31'), noInvalidDate: true }),
    microseconds,
  )
  .map(([date, micros]) => `${date.toISOString().slice(0, 19)}.${micros}Z`);

const lineItem = fc.record({
  productId: text(50),
  quantity: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  unitPrice: price,
});

/** Any valid order, and the text of a message with it. */
export const arbitraryOrder = fc
  .record({
    orderId: arbitraryOrderId,
    createdAt,
    customerName: text(200),
    totalPrice: price,
    lineItems: fc.array(lineItem, { minLength: 1, maxLength: 8 }),
  })
  .map((order) => ({
    order,
    text: `{"order_id": ${JSON.stringify(order.orderId)}, "created_at": "${order.createdAt}",
      "customer_name": ${JSON.stringify(order.customerName)}, "total_price": ${order.totalPrice.json},
      "line_items": [${order.lineItems
        .map(
          (item) =>
            `{"product_id": ${JSON.stringify(item.productId)}, "quantity": ${item.quantity}, "unit_price": ${item.unitPrice.json}}`,
        )
        .join(', ')}]}`,
  }));
