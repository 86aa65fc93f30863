/** The message of an order, as a producer writes it: about 300 bytes, two line items. */
export const orderText = (
  orderId: string,
  changes: Readonly<Record<string, unknown>> = {},
): string =>
  JSON.stringify({
    order_id: orderId,
    created_at: '2026-11-24T09:30:00.123456+01:00',
    customer_name: 'Ada Lovelace',
    total_price: 99.95,
    line_items: [
      { product_id: 'P-7001', quantity: 2, unit_price: 10.5 },
      { product_id: 'P-7002', quantity: 1, unit_price: 78.95 },
    ],
    ...changes,
  });
