import fc from 'fast-check';
import { createOrderIdFilter } from '../../../src/order-kit/order-id-filter.ts';
import { identify, reader } from '../../support/built-in-order.ts';
import { parseOrderId } from '../../../src/contract/order-id.ts';
import { isDeadLetterOf } from '../../../src/operate/orders/order-details.ts';

const orderId = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((text) => parseOrderId(text).ok);

/** How a producer may write a character of a string. */
type Spelling = 'plain' | 'lower' | 'upper';

function spelled(text: string, spellings: readonly Spelling[]): string {
  const characters = Array.from(text, (character, index) => {
    const spelling = spellings[index % spellings.length] ?? 'plain';
    if (spelling === 'plain') {
      return character === '/' ? '\\/' : JSON.stringify(character).slice(1, -1);
    }
    return Array.from({ length: character.length }, (_, unit) => {
      const hex = character.charCodeAt(unit).toString(16).padStart(4, '0');
      return `\\u${spelling === 'upper' ? hex.toUpperCase() : hex}`;
    }).join('');
  });
  return `"${characters.join('')}"`;
}

const spellings = fc.array(fc.constantFrom<Spelling>('plain', 'lower', 'upper'), { minLength: 1 });
const BYTE_ORDER_MARK = '\uFEFF';

/** More IDs than the filter searches for in the bytes. */
const many = Array.from({ length: 20 }, (_, n) => `many ${n}`);

test('every spelling of an order ID passes the filter', async () => {
  await fc.assert(
    fc.asyncProperty(
      orderId,
      spellings,
      spellings,
      fc.boolean(),
      fc.boolean(),
      async (id, ofId, ofKey, isMarked, isTwice) => {
        const key = spelled('order_id', ofKey);
        const members = [
          ...(isTwice ? ['"order_id":"another one"'] : []),
          `${key}:${spelled(id, ofId)}`,
          '"more":[1]',
        ];
        const text = `${isMarked ? BYTE_ORDER_MARK : ''}{${members.join(',')}}`;
        const value = Buffer.from(text);
        expect(identify(value, value.length)).toMatchObject({ kind: 'order', orderId: id });
        expect(createOrderIdFilter('order_id', [id, 'x'])(value)).toBe(true);
        expect(createOrderIdFilter('order_id', [...many, id])(value)).toBe(true);
        expect(await isDeadLetterOf(id, reader)({ key: null, value })).toBe(true);
        if (isTwice) {
          expect(await isDeadLetterOf('another one', reader)({ key: null, value })).toBe(false);
        }
      },
    ),
  );
});

test('most messages about other orders do not pass the filter', async () => {
  const filter = createOrderIdFilter('order_id', ['A-1', 'A-2']);
  expect(filter(Buffer.from('{"order_id":"B-1","name":"Ada"}'))).toBe(false);
  expect(filter(Buffer.from('{"order_id":"B-1","note":"A-2"}'))).toBe(true);
  expect(filter(Buffer.from(String.raw`{"order_id":"B-1","note":"A-2\n"}`))).toBe(false);
  expect(filter(Buffer.from(String.raw`["A-2\n"]`))).toBe(false);
  expect(createOrderIdFilter('order_id', many)(Buffer.from('{"order_id":"many 20"}'))).toBe(false);
  expect(
    await isDeadLetterOf(
      'A-2',
      reader,
    )({ key: null, value: Buffer.from('{"order_id":"B","note":"A-2"}') }),
  ).toBe(false);
  expect(await isDeadLetterOf('A-2', reader)({ key: Buffer.from('A-2'), value: null })).toBe(true);
});
