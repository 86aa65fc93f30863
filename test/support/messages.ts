/** The text of a valid message with this order ID. `changes` are JSON texts, which keep their digits. */
export function orderText(orderId: string, changes: Readonly<Record<string, string>> = {}): string {
  const fields = {
    order_id: JSON.stringify(orderId),
    created_at: '"2026-11-24T09:30:00.123456+01:00"',
    customer_name: '"Ada Lovelace"',
    total_price: '99.95',
    line_items:
      '[{"product_id": "P-7", "quantity": 2, "unit_price": 10.50}, {"product_id": "P-8", "quantity": 1, "unit_price": "78.95"}]',
    ...changes,
  };
  const members = Object.entries(fields).map(([name, value]) => `"${name}": ${value}`);
  return `{${members.join(', ')}}`;
}

export const orderMessage = (text: string, offset = '0') => ({
  text,
  source: { topic: 'orders', partition: 0, offset, timestamp: '1795577684844' },
});
