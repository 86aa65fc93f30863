import { Readable } from 'node:stream';
import { ndjsonMessages } from '../../../src/operate/produce/ndjson-messages.ts';
import { sampleMessages } from '../../../src/operate/produce/produce.ts';
import { createMessageReader } from '../../../src/order-module/message-reader.ts';
import { orderModule } from '../../../src/order/order-module.ts';
import { OperatorError } from '../../../src/program/operator-error.ts';
import { reader } from '../../support/built-in-order.ts';
import { orderText } from '../../support/messages.ts';

const OPTIONS = { count: 2, broken: 0, idPrefix: 'a-' };

/** The messages of a module with these samples. */
const messagesOf = (samples: unknown) => [
  ...sampleMessages(OPTIONS, createMessageReader({ ...orderModule, samples } as never)),
];

function errorOf(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    return error;
  }
}

describe('the samples of a module', () => {
  test('are sent as they are', () => {
    function* samples({ count, idPrefix }: typeof OPTIONS) {
      yield { key: `${idPrefix}${count}`, value: 'text' };
      yield { key: null, value: null };
      yield { key: 'bytes', value: new Uint8Array([1]) };
    }
    expect(messagesOf(samples)).toEqual([
      { key: 'a-2', value: 'text' },
      { key: null, value: null },
      { key: 'bytes', value: Buffer.from([1]) },
    ]);
  });

  test.each<[string, unknown]>([
    ['an order as the value', () => [{ key: 'a', value: { id: 'a' } }]],
    ['orders', () => [{ id: 'a' }]],
    ['texts', () => ['{"id":"a"}']],
    ['a number as the key', () => [{ key: 1, value: 'text' }]],
    ['one message', () => ({ key: 'a', value: 'text' })],
    ['a promise', () => Promise.resolve([])],
    ['nothing', () => undefined],
    [
      'an exception',
      () => {
        throw new TypeError('no');
      },
    ],
  ])('that are %s are a fault of the module', (_name, samples) => {
    expect(errorOf(() => messagesOf(samples))).toMatchObject({
      code: 'ORDER_MODULE_INVALID',
      fix: expect.stringContaining('{ key, value }'),
    });
  });
});

describe('a file', () => {
  const fixFor = async (text: string) => {
    const input = Readable.from([Buffer.from(text)]);
    const messages = ndjsonMessages(input, { name: 'orders.json', raw: false, reader });
    try {
      for await (const { value } of messages) expect(value).toEqual(Buffer.from(text));
      return 'valid';
    } catch (error) {
      if (!(error instanceof OperatorError)) throw error;
      return `${error.code}: ${error.fix}`;
    }
  };

  test('with an order over several lines is reported with the format of the file', async () => {
    const pretty = JSON.stringify(JSON.parse(orderText('a')), undefined, 2);
    const expected = /^INPUT_ORDER_INVALID: .*one JSON object per line/;
    expect(await fixFor(pretty)).toMatch(expected);
    expect(await fixFor(`[${orderText('a')}]`)).toMatch(expected);
  });

  test('with an order that is not valid is not a matter of the format', async () => {
    expect(await fixFor(orderText('a'))).toBe('valid');
    expect(await fixFor('{"order_id":"a"}')).toMatch(/^INPUT_ORDER_INVALID: correct the line/);
  });
});
