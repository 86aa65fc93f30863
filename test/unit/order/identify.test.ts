import { identify } from '../../support/built-in-order.ts';
import { orderText } from '../../support/messages.ts';

const read = (value: string | Buffer | null) =>
  identify(typeof value === 'string' ? Buffer.from(value) : value, 1000);

describe('identifying a message', () => {
  test('needs a valid order ID only, not a valid order', () => {
    expect(read('{"order_id": "A", "line_items": "?"}')).toMatchObject({
      kind: 'order',
      orderId: 'A',
    });
  });

  test('keeps the text unchanged, except for a byte order mark', () => {
    const text = orderText('A');
    expect(read(`\uFEFF${text}`)).toMatchObject({ kind: 'order', text });
  });

  test.each<[string, string | Buffer | null, string]>([
    ['nothing', null, 'tombstone'],
    ['an empty value', '', 'not-json'],
    ['truncated JSON', '{"order_id": "A"', 'not-json'],
    ['bytes that are no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'not-utf8'],
    ['a JSON array', '[{"order_id": "A"}]', 'not-an-object'],
    ['a JSON number', '7', 'not-an-object'],
    ['null', 'null', 'not-an-object'],
    ['no order ID', '{"id": "A"}', 'no-order-id'],
    ['an inherited order ID', '{"__proto__": {"order_id": "A"}}', 'no-order-id'],
    ['a number as the order ID', '{"order_id": 1}', 'no-order-id'],
    ['an empty order ID', '{"order_id": ""}', 'invalid-order-id'],
    ['a long order ID', `{"order_id": "${'x'.repeat(201)}"}`, 'invalid-order-id'],
    ['a lone surrogate in the order ID', '{"order_id": "\\ud800"}', 'invalid-order-id'],
    ['a large value', `{"order_id": "A", "x": "${'x'.repeat(1000)}"}`, 'too-large'],
  ])('%s is unusable', (_name, value, reason) => {
    expect(read(value)).toMatchObject({ kind: 'unusable', reason });
  });
});
