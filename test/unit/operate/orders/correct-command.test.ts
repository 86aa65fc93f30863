import { parseCorrection } from '../../../../src/operate/orders/correct-command.ts';
import { reader } from '../../../support/built-in-order.ts';
import { orderText } from '../../../support/messages.ts';

function problemWith(text: string): unknown {
  try {
    parseCorrection(reader, 'A-1', Buffer.from(text));
  } catch (error) {
    return error;
  }
  return undefined;
}

test('accepts a valid order with the ID of the order to correct', () => {
  const text = orderText('A-1');
  expect(parseCorrection(reader, 'A-1', Buffer.from(text))).toEqual({
    text,
    fingerprint: expect.stringMatching(/^2:/),
    priority: 3,
  });
});

test.each([
  ['about another order', orderText('B-2'), /"B-2".*"A-1"/],
  ['that is not JSON', '{', /./],
  ['with an invalid field', orderText('A-1', { total_price: '-1' }), /total_price/],
])('rejects a message %s', (_, text, reason) => {
  expect(problemWith(text)).toMatchObject({
    code: 'CORRECTION_INVALID',
    message: expect.stringMatching(reason),
  });
});
