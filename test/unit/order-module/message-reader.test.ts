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
