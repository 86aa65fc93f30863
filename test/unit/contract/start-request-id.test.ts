import fc from 'fast-check';
import { createSecretKey } from 'node:crypto';
import { correctionRequestId, startRequestId, workflowId } from '../../../src/contract/ids.ts';

const FINGERPRINT = 'f'.repeat(64);
const source = fc.record({
  topic: fc.stringMatching(/^[a-zA-Z0-9._-]{1,249}$/),
  partition: fc.nat(),
  offset: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }).map(String),
});
const again = fc.option(fc.constant('replay-1795577684844'), { nil: undefined });

test('a request ID has at most 255 characters, whatever the topic', () => {
  fc.assert(
    fc.property(source, again, (from, name) => {
      expect(startRequestId(from, FINGERPRINT, name).length).toBeLessThanOrEqual(255);
    }),
  );
});

test('a request ID has at most 255 characters with the longest topic, partition and offset of Kafka', () => {
  const longest = {
    topic: 'o'.repeat(249),
    partition: 2 ** 31 - 1,
    offset: String(2n ** 63n - 1n),
  };
  expect(startRequestId(longest, FINGERPRINT).length).toBeLessThanOrEqual(255);
});

test('a request ID of at most 255 characters is the one that older versions sent', () => {
  const from = { topic: 'o'.repeat(170), partition: 12, offset: '34567' };
  expect(startRequestId(from, FINGERPRINT)).toBe(`${from.topic}/12/34567/${FINGERPRINT}`);
  expect(startRequestId({ ...from, topic: 'orders' }, FINGERPRINT, 'replay-1')).toBe(
    `orders/12/34567/${FINGERPRINT}/replay-1`,
  );
});

test('every message, content and run has its own request ID, also when it is hashed', () => {
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

test('with a key, workflow and request IDs contain neither the order ID nor the fingerprint', () => {
  const key = createSecretKey(Buffer.alloc(32, 1));
  const source = { topic: 'orders', partition: 0, offset: '17' };
  expect(workflowId('order:', 'A-1', key)).toMatch(/^order:[0-9a-f]{64}$/);
  expect(workflowId('order:', 'A-1', key)).not.toBe(workflowId('order:', 'A-2', key));
  expect(workflowId('order:', 'A-1')).toBe('order:A-1');
  const id = startRequestId(source, '2:abc', undefined, key);
  expect(id).toMatch(/^hmac\/[0-9a-f]{64}$/);
  expect(startRequestId(source, '2:abd', undefined, key)).not.toBe(id);
  expect(startRequestId(source, '2:abc', 'replay-1', key)).not.toBe(id);
  expect(correctionRequestId('run', '2:abc', key)).not.toContain('abc');
});
