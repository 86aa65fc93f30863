import { ORDER_ID_MAX_CHARACTERS, parseOrderId } from '../../../src/contract/order-id.ts';

describe('an order ID', () => {
  test.each([
    'A-1001',
    'a',
    'ä',
    'a\u0308',
    'e\u0301 é',
    '注文-1',
    'طلب',
    '🚀',
    'x'.repeat(200),
    '🚀'.repeat(200),
  ])('may be %j, which stays unchanged', (text) => {
    expect(parseOrderId(text)).toEqual({ ok: true, value: text });
  });

  test.each([
    '',
    ' ',
    'x'.repeat(ORDER_ID_MAX_CHARACTERS + 1),
    '🚀'.repeat(201),
    'a\nb',
    'a\u0000',
    '\u007f',
    '\u0085',
    ' a',
    'a ',
    '\u00a0a',
    'a\ufeff',
    '\ud800',
    'a\udc00b',
  ])('must not be %j', (text) => {
    expect(parseOrderId(text).ok).toBe(false);
  });
});
