import { createMessageReader } from '../../../src/order-module/message-reader.ts';
import { orderModule } from '../../../src/order/order-module.ts';
import { identifyOrder as messageOf, reader } from '../../support/built-in-order.ts';
import { DIFFERENT_ORDERS, SAME_ORDERS, STORED_BY_V0_1_0 } from '../../support/order-variants.ts';
import { orderText } from '../../support/messages.ts';

const { orderId, text, fingerprint } = STORED_BY_V0_1_0;

const noText = () => Promise.reject(new Error('read the ingested message without need'));
const messages = (cases: typeof SAME_ORDERS) =>
  Object.values(cases).map((changes) => messageOf(orderText(orderId, changes)));

test('compares fingerprints without reading the ingested message', async () => {
  const message = messageOf(text);
  await expect(reader.hasSameContent([message.fingerprint], message, noText)).resolves.toBe(true);
  await expect(
    reader.hasSameContent(['2:other', message.fingerprint], message, noText),
  ).resolves.toBe(true);
  await expect(reader.hasSameContent(['2:other'], message, noText)).resolves.toBe(false);
  await expect(reader.hasSameContent([], message, noText)).resolves.toBe(false);
});

test("recognizes an older version's fingerprint of the same text without reading the message", async () => {
  await expect(reader.hasSameContent([fingerprint], messageOf(text), noText)).resolves.toBe(true);
});

test("compares the messages where an older version's fingerprint differs", async () => {
  const ingested = () => Promise.resolve(text);
  for (const message of messages(SAME_ORDERS)) {
    await expect(reader.hasSameContent([fingerprint], message, ingested)).resolves.toBe(true);
  }
  for (const message of messages(DIFFERENT_ORDERS)) {
    await expect(reader.hasSameContent([fingerprint], message, ingested)).resolves.toBe(false);
  }
});

test('is false where there is no ingested message to compare', async () => {
  const message = messageOf(orderText(orderId, { total_price: '7' }));
  const none = () => Promise.resolve(undefined);
  await expect(reader.hasSameContent([fingerprint], message, none)).resolves.toBe(false);
});

describe('what a module returns that was not written with defineOrder', () => {
  const identify = (identification: unknown) =>
    createMessageReader({
      ...orderModule,
      identify: () => identification as never,
    }).identifyJson(Buffer.from('{}'));

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['another kind', { kind: 'other' }],
    ['no order ID', { kind: 'order', fingerprint: '1:a' }],
    ['no fingerprint', { kind: 'order', orderId: 'A-1' }],
    ['an empty fingerprint', { kind: 'order', orderId: 'A-1', fingerprint: '' }],
    ['neither reason nor error', { kind: 'unusable' }],
    ['an unknown reason', { kind: 'unusable', reason: 'bad', error: 7 }],
  ])('%s is a dead letter with a reason and an error', (_name, identification) => {
    expect(identify(identification)).toEqual({
      kind: 'unusable',
      reason: 'no-order-id',
      error: expect.stringMatching(/^identify of the order module /),
    });
  });

  test.each(['', 'A'.repeat(256), ' A-1', 'A\n1', '\ud800'])(
    'an order ID that Temporal or Postgres cannot hold is a dead letter: %j',
    (orderId) => {
      expect(identify({ kind: 'order', orderId, fingerprint: '1:a' })).toMatchObject({
        kind: 'unusable',
        reason: 'invalid-order-id',
        error: expect.stringMatching(/expected/),
      });
    },
  );

  test('a complete identification is used as it is', () => {
    const start = { priority: 1 };
    const order = { kind: 'order', orderId: 'A-1', fingerprint: '1:a', start };
    expect(identify(order)).toEqual({ ...order, text: '{}' });
    const unusable = { kind: 'unusable', reason: 'invalid-order-id', error: 'id: expected 1' };
    expect(identify(unusable)).toEqual(unusable);
  });
});
