// @ts-check
import {
  compositeId,
  defineOrder,
  fields,
  orderItems,
  orderTables,
  translateWith,
} from 'order-ingest/order';

const { bigInteger, boolean, date, decimal, instant, integer, list } = fields;
const { money, object, oneOf, optional, text } = fields;

const address = object({
  name: text({ max: 200 }),
  street: text({ max: 200 }),
  postalCode: text({ max: 20 }),
  city: text({ max: 100 }),
  country: text({ min: 2, max: 2 }),
});

/** The message as the marketplace sends it. Fields that are not here, such as `sentAt`, are ignored. */
const message = object({
  marketplace: oneOf(['de', 'fr', 'jp']),
  orderNumber: text({ max: 40 }),
  placedAt: instant,
  deliverOn: optional(date),
  currency: oneOf(['EUR', 'JPY', 'USD']),
  total: money,
  customer: object({ id: bigInteger({ min: 1n }), email: optional(text({ max: 320 })) }),
  billingAddress: address,
  shippingAddress: optional(address),
  lines: list(
    object({
      sku: text({ max: 60 }),
      title: optional(text()),
      quantity: integer({ min: 1, max: 10_000 }),
      unitPrice: money,
      taxRate: decimal({ min: 0, max: 1 }),
      gift: optional(boolean),
    }),
    { min: 1 },
  ),
  discounts: optional(list(object({ code: text({ max: 40 }), amount: decimal({ max: 0 }) }))),
});

const translate = translateWith(
  message,
  (order) => ({
    ...order,
    shippingAddress: order.shippingAddress ?? order.billingAddress,
    lines: order.lines.map((line) => ({ ...line, gift: line.gift ?? false })),
    discounts: order.discounts ?? [],
  }),
  // A rule about several fields.
  ({ currency, total }) =>
    currency === 'JPY' && /\.\d*[1-9]/.test(total.toPlainString())
      ? [{ path: 'total', problem: 'expected no decimal places for JPY' }]
      : [],
);

/** @typedef {Extract<ReturnType<typeof translate>, { ok: true }>['value']} MarketplaceOrder */
/** @typedef {MarketplaceOrder['billingAddress']} Address */

/**
 * @param {string} prefix
 * @param {(order: MarketplaceOrder) => Address} of
 * @returns {import('order-ingest/order').Columns<MarketplaceOrder>}
 */
const addressColumns = (prefix, of) => ({
  [`${prefix}_name`]: { type: 'text', value: (order) => of(order).name },
  [`${prefix}_street`]: { type: 'text', value: (order) => of(order).street },
  [`${prefix}_postal_code`]: { type: 'text', value: (order) => of(order).postalCode },
  [`${prefix}_city`]: { type: 'text', value: (order) => of(order).city },
  [`${prefix}_country`]: { type: 'text', value: (order) => of(order).country },
});

export default defineOrder({
  name: 'marketplace-order',
  // The number is unique within its marketplace only.
  orderId: ({ marketplace, orderNumber }) => compositeId(marketplace, orderNumber),
  translate,
  identity: (order) => order,
  storage: orderTables({
    migrations: new URL('./migrations', import.meta.url),
    table: 'marketplace_orders',
    idColumn: 'order_id',
    columns: {
      placed_at: { type: 'timestamptz', value: (order) => order.placedAt },
      deliver_on: { type: 'date', value: (order) => order.deliverOn },
      currency: { type: 'text', value: (order) => order.currency },
      total: { type: 'numeric', value: (order) => order.total },
      customer_id: { type: 'bigint', value: (order) => order.customer.id },
      customer_email: { type: 'text', value: (order) => order.customer.email },
      ...addressColumns('billing', (order) => order.billingAddress),
      ...addressColumns('shipping', (order) => order.shippingAddress),
    },
    items: [
      orderItems({
        table: 'marketplace_order_lines',
        name: 'lines',
        items: (/** @type {MarketplaceOrder} */ order) => order.lines,
        columns: {
          sku: { type: 'text', value: (line) => line.sku },
          title: { type: 'text', value: (line) => line.title },
          quantity: { type: 'integer', value: (line) => line.quantity },
          unit_price: { type: 'numeric', value: (line) => line.unitPrice },
          tax_rate: { type: 'numeric', value: (line) => line.taxRate },
          gift: { type: 'boolean', value: (line) => line.gift },
        },
      }),
      orderItems({
        table: 'marketplace_order_discounts',
        name: 'discounts',
        items: (/** @type {MarketplaceOrder} */ order) => order.discounts,
        columns: {
          code: { type: 'text', value: (discount) => discount.code },
          amount: { type: 'numeric', value: (discount) => discount.amount },
        },
      }),
    ],
  }),
  *samples({ count, broken, idPrefix }) {
    for (let index = 1; index <= count + broken; index += 1) {
      const orderNumber = `${idPrefix}-${index}`;
      const total = index > count ? '-1.00' : `${9 + index}.90`;
      yield {
        key: `de/${orderNumber}`,
        value: `{"marketplace":"de","orderNumber":"${orderNumber}","placedAt":"2026-11-24T09:30:00Z","currency":"EUR","total":${total},"customer":{"id":${index}},"billingAddress":{"name":"Zoë Ångström","street":"Hauptstraße 1","postalCode":"10115","city":"Berlin","country":"DE"},"lines":[{"sku":"P-${index}","quantity":1,"unitPrice":${9 + index}.90,"taxRate":0.19}]}`,
      };
    }
  },
});
