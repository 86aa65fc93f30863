import fc from 'fast-check';
import { startRequestId } from '../../../src/contract/ids.ts';

const FINGERPRINT = 'f'.repeat(64);
const source = fc.record({
  topic: fc.stringMatching(/^[a-zA-Z0-9._-]{1,249}$/),
  partition: fc.nat(),
  offset: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String),
});
const again = fc.option(fc.constant('replay-1795577684844'), { nil: undefined });

test('the request ID of a start fits into 255 characters, whatever the topic', () => {
  fc.assert(
    fc.property(source, again, (from, name) => {
      expect(startRequestId(from, FINGERPRINT, name).length).toBeLessThanOrEqual(255);
    }),
  );
});

test("it fits with the longest of Kafka's topics, partitions and offsets", () => {
  const longest = {
    topic: 'o'.repeat(249),
    partition: 2 ** 31 - 1,
    offset: String(2n ** 63n - 1n),
  };
  expect(startRequestId(longest, FINGERPRINT).length).toBeLessThanOrEqual(255);
});

test('as long as it fits, it is what older versions sent', () => {
  const from = { topic: 'o'.repeat(170), partition: 12, offset: '34567' };
  expect(startRequestId(from, FINGERPRINT)).toBe(`${from.topic}/12/34567/${FINGERPRINT}`);
  expect(startRequestId({ ...from, topic: 'orders' }, FINGERPRINT, 'replay-1')).toBe(
    `orders/12/34567/${FINGERPRINT}/replay-1`,
  );
});

test('each message, content and attempt has its own, also where it is too long', () => {
  const topic = 'o'.repeat(249);
  const ids = [
    startRequestId({ topic, partition: 0, offset: '1' }, FINGERPRINT),
    startRequestId({ topic, partition: 0, offset: '2' }, FINGERPRINT),
    startRequestId({ topic, partition: 1, offset: '1' }, FINGERPRINT),
    startRequestId({ topic, partition: 0, offset: '1' }, 'e'.repeat(64)),
    startRequestId({ topic, partition: 0, offset: '1' }, FINGERPRINT, 'replay-1'),
  ];
  expect(new Set(ids).size).toBe(ids.length);
  expect(startRequestId({ topic, partition: 0, offset: '1' }, FINGERPRINT)).toBe(ids[0]);
});
