import { formatIssue } from '../../../src/contract/order-module.ts';
import { translate } from '../../support/built-in-order.ts';
import { orderText } from '../../support/messages.ts';

function issuesOf(text: string): readonly string[] {
  const translation = translate(text);
  return translation.kind === 'invalid' ? translation.issues.map(formatIssue) : [];
}

function orderOf(text: string) {
  const translation = translate(text);
  if (translation.kind !== 'translated') throw new Error(issuesOf(text).join());
  return translation.order;
}

describe('translating a message into an order', () => {
  test('translates every field and keeps every digit', () => {
    const order = orderOf(orderText('A-1001', { total_price: '12345678901234567.89' }));
    expect(order).toMatchObject({
      orderId: 'A-1001',
      createdAt: '2026-11-24T08:30:00.123456Z',
      customerName: 'Ada Lovelace',
      lineItems: [
        { productId: 'P-7', quantity: 2 },
        { productId: 'P-8', quantity: 1 },
      ],
    });
    expect(order.totalPrice.toString()).toBe('12345678901234567.89');
    expect(order.lineItems.map(({ unitPrice }) => unitPrice.toString())).toEqual([
      '10.50',
      '78.95',
    ]);
  });

  test('rejects an amount with a currency, which it could not store', () => {
    const money = '{"currency_code": "EUR", "amount": 10.50}';
    expect(issuesOf(orderText('A', { total_price: money }))).toEqual([
      'total_price: expected a number or a decimal string, received object',
    ]);
  });

  test('ignores unknown fields', () => {
    expect(issuesOf(orderText('A', { coupon: '{"a": [1, null]}', __proto__: '1' }))).toEqual([]);
  });

  test('treats __proto__ as an ordinary key', () => {
    const text = orderText('A').replace('{', '{"__proto__": {"order_id": "B"}, "constructor": 1, ');
    expect(orderOf(text).orderId).toBe('A');
    expect(issuesOf('{"__proto__": {"order_id": "B"}}')).toContain(
      'order_id: expected a string, received nothing',
    );
  });

  test.each<[string, Record<string, string>, string]>([
    [
      'order ID of the wrong type',
      { order_id: '7' },
      'order_id: expected a string, received number',
    ],
    [
      'order ID with a control character',
      { order_id: '"a\\u0001"' },
      'order_id: expected no control characters',
    ],
    [
      'time that is not a time',
      { created_at: '"soon"' },
      'created_at: expected an ISO 8601 date and time such as 2026-11-24T09:30:00.123456+01:00, in the years 0001 to 9999',
    ],
    [
      'time as a number',
      { created_at: '1764000000' },
      'created_at: expected a string, received number',
    ],
    ['empty name', { customer_name: '""' }, 'customer_name: expected 1 to 1000 characters'],
    [
      'name too long',
      { customer_name: `"${'x'.repeat(1001)}"` },
      'customer_name: expected 1 to 1000 characters',
    ],
    [
      'name with a lone surrogate',
      { customer_name: '"\\ud83d"' },
      'customer_name: expected well-formed Unicode without lone surrogates',
    ],
    ['no name', { customer_name: 'null' }, 'customer_name: expected a string, received null'],
    [
      'negative price',
      { total_price: '-0.01' },
      'total_price: expected an amount that is not negative',
    ],
    [
      'price that is not a number',
      { total_price: '"12,50"' },
      'total_price: expected a decimal number such as 12.50',
    ],
    [
      'price of the wrong type',
      { total_price: 'true' },
      'total_price: expected a number or a decimal string, received boolean',
    ],
    [
      'price too large',
      { total_price: '1e200000' },
      'total_price: expected at most 131072 digits before the decimal point',
    ],
    ['no line item', { line_items: '[]' }, 'line_items: expected at least one element'],
    [
      'line items of the wrong type',
      { line_items: '{}' },
      'line_items: expected an array, received object',
    ],
    [
      'line item of the wrong type',
      { line_items: '["P-1"]' },
      'line_items[0]: expected an object, received string',
    ],
    [
      'lossless number instead of a line item',
      { line_items: '[1.50]' },
      'line_items[0]: expected an object, received number',
    ],
    [
      'no quantity',
      { line_items: '[{"product_id": "P", "unit_price": 1}]' },
      'line_items[0].quantity: expected a number, received nothing',
    ],
  ])('%s', (_name, changes, issue) => {
    expect(issuesOf(orderText('A', changes))).toEqual([issue]);
  });

  test.each(['3', '1.50'])('the number %s is not an order', (text) => {
    expect(issuesOf(text)).toEqual(['expected an object, received number']);
  });

  test.each(['0', '-1', '1.5', '1.00000000000000001', '9007199254740992', '1e400', '1e-1'])(
    'quantity %s is invalid',
    (quantity) => {
      const items = `[{"product_id": "P", "quantity": ${quantity}, "unit_price": 1}]`;
      expect(issuesOf(orderText('A', { line_items: items }))).toEqual([
        'line_items[0].quantity: expected an integer from 1 to 9007199254740991',
      ]);
    },
  );

  test.each([
    ['1', 1],
    ['2.0', 2],
    ['1e2', 100],
    ['9007199254740991', Number.MAX_SAFE_INTEGER],
  ])('quantity %s is %d', (quantity, value) => {
    const items = `[{"product_id": "P", "quantity": ${quantity}, "unit_price": 1}]`;
    expect(orderOf(orderText('A', { line_items: items })).lineItems[0]?.quantity).toBe(value);
  });

  test('reports all invalid fields at once', () => {
    const text = orderText('A', {
      created_at: '1',
      customer_name: '""',
      total_price: '"x"',
      line_items: '[{"product_id": "", "quantity": 0, "unit_price": -1}, {}]',
    });
    expect(issuesOf(text).map((issue) => issue.split(':')[0])).toEqual([
      'created_at',
      'customer_name',
      'total_price',
      'line_items[0].product_id',
      'line_items[0].quantity',
      'line_items[0].unit_price',
      'line_items[1].product_id',
      'line_items[1].quantity',
      'line_items[1].unit_price',
    ]);
  });

  test('never quotes a value of the message', () => {
    const secret = 'Jane Doe';
    const texts = [
      orderText('A', {
        customer_name: `["${secret}"]`,
        created_at: `"${secret}"`,
        total_price: `"${secret}"`,
      }),
      `{"customer_name": "${secret}"`,
      `{"${secret}": 1 2}`,
    ];
    for (const text of texts) expect(issuesOf(text).join()).not.toContain(secret);
  });
});
