import BatchOfFetch from 'kafkajs/src/consumer/batch.js';
import { fetchedOffset } from '../../../../src/kafka/patches/fetched-offset.ts';

const batch = new BatchOfFetch('orders', '10', {
  partition: 0,
  highWatermark: '40',
  messages: [{ offset: '30' }],
});

test('the offset is where the fetch began, not that of the first message', () => {
  expect(fetchedOffset(batch)).toBe(10n);
});

// Once this does not compile, kafkajs's types have the offset, and the patch is not needed any more.
test("kafkajs's types by themselves do not have the offset", () => {
  // @ts-expect-error There is no such property.
  expect(batch.fetchedOffset).toBe('10');
});
