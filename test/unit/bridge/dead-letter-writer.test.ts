import { createDeadLetterWriter } from '../../../src/bridge/dead-letter-writer.ts';
import { DEAD_LETTER_HEADERS, readDeadLetterHeaders } from '../../../src/contract/dead-letter.ts';
import type { ConsumedMessage } from '../../../src/kafka/consumer/consumed-message.ts';
import type { MessageProducer, OutgoingMessage } from '../../../src/kafka/producer.ts';

const KEY = Buffer.from('a key');
const VALUE = Buffer.from('not JSON');
const HEADERS = { mine: Buffer.from('1'), constructor: Buffer.from('2'), empty: null };

const letterOf = (changes: Partial<ConsumedMessage> = {}) => ({
  message: {
    key: KEY,
    value: VALUE,
    headers: HEADERS,
    offset: '17',
    timestamp: '1795577684844',
    ...changes,
  },
  topic: 'orders',
  partition: 3,
  reason: 'not-json' as const,
  error: 'not JSON at all',
});

/** As kafkajs rejects: the broker's error within one that counts its tries, or as it is. */
const rejection = (type: string) =>
  new Error('gave up', { cause: Object.assign(new Error(type), { type }) });

/** A broker that rejects some messages. */
function brokerThat(rejects: (message: OutgoingMessage) => string | undefined) {
  const tried: OutgoingMessage[] = [];
  const stored: OutgoingMessage[] = [];
  const topics: string[] = [];
  const producer: Pick<MessageProducer, 'send'> = {
    send(topic, messages) {
      topics.push(topic);
      for (const message of messages) {
        tried.push(message);
        const type = rejects(message);
        if (type !== undefined) return Promise.reject(rejection(type));
        stored.push(message);
      }
      return Promise.resolve();
    },
  };
  return {
    tried,
    stored,
    topics,
    writer: createDeadLetterWriter(producer, (topic) => `${topic}.dead-letter`),
  };
}

const own = (message: OutgoingMessage | undefined) =>
  (message?.headers ?? []).filter(({ name }) => !name.toString().startsWith('dead-letter.'));
const account = (message: OutgoingMessage | undefined) =>
  readDeadLetterHeaders(
    Object.fromEntries((message?.headers ?? []).map(({ name, value }) => [String(name), value])),
  );

test('a message is written unchanged, with headers that describe the problem', async () => {
  const { stored, writer } = brokerThat(() => undefined);
  expect(await writer.write(letterOf())).toEqual({});
  expect(stored).toHaveLength(1);
  expect(stored[0]).toMatchObject({ key: KEY, value: VALUE });
  expect(own(stored[0])).toEqual([
    { name: 'mine', value: Buffer.from('1') },
    { name: 'constructor', value: Buffer.from('2') },
    { name: 'empty', value: null },
  ]);
  expect(account(stored[0])).toMatchObject({
    reason: 'not-json',
    error: 'not JSON at all',
    sourceTopic: 'orders',
    sourcePartition: 3,
    sourceOffset: 17n,
    attempt: 1,
    omitted: {},
    hasGeneratedKey: false,
  });
});

test('a header with a name reserved for dead letters is not copied', async () => {
  const { stored, writer } = brokerThat(() => undefined);
  const headers = Object.fromEntries(
    Object.values(DEAD_LETTER_HEADERS).map((name) => [name, Buffer.from('17')]),
  );
  await writer.write(letterOf({ headers: { ...headers, 'dead-letter.mine': 'kept' } }));
  const names = (stored[0]?.headers ?? []).map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain('dead-letter.mine');
  expect(account(stored[0])).toMatchObject({ sourceOffset: 17n, attempt: 18, omitted: {} });
});

describe.each(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE', 'INVALID_RECORD', 'CORRUPT_MESSAGE'])(
  'a message that the broker rejects with %s',
  (type) => {
    test('is written without its value', async () => {
      const { stored, writer } = brokerThat(({ value }) => (value === null ? undefined : type));
      expect(await writer.write(letterOf())).toEqual({ value: VALUE.length });
      expect(stored).toMatchObject([{ key: KEY, value: null }]);
      expect(own(stored[0])).toHaveLength(3);
      expect(account(stored[0])?.omitted).toEqual({ value: VALUE.length });
    });

    test('is written without its headers if it is still rejected', async () => {
      const { stored, writer } = brokerThat((one) => (own(one).length > 0 ? type : undefined));
      await writer.write(letterOf());
      expect(own(stored[0])).toEqual([]);
      expect(stored[0]?.key).toEqual(KEY);
      const headers = 'mine1constructor2empty'.length;
      expect(account(stored[0])?.omitted).toEqual({ value: VALUE.length, headers });
    });

    test('is written without its key if it is still rejected', async () => {
      const { stored, writer } = brokerThat(({ key }) => (key === KEY ? type : undefined));
      await writer.write(letterOf({ headers: {} }));
      expect(stored[0]?.key).toBeNull();
      expect(account(stored[0])?.omitted).toEqual({ value: VALUE.length, key: KEY.length });
    });

    test('is rejected for the caller to retry when nothing more can be omitted', async () => {
      const { tried, writer } = brokerThat(() => type);
      await expect(writer.write(letterOf())).rejects.toThrow('gave up');
      expect(tried.length).toBeLessThan(6);
    });
  },
);

test('a rejected tombstone is not reported to have had a value', async () => {
  const { stored, writer } = brokerThat((one) =>
    own(one).length > 0 ? 'MESSAGE_TOO_LARGE' : undefined,
  );
  await writer.write(letterOf({ value: null }));
  expect(account(stored[0])?.omitted).toEqual({ headers: expect.any(Number) });
});

test('a message without a key gets a generated one if the topic requires it', async () => {
  const { stored, writer } = brokerThat(({ key }) => (key === null ? 'INVALID_RECORD' : undefined));
  expect(await writer.write(letterOf({ key: null }))).toEqual({});
  expect(stored).toMatchObject([{ key: 'orders/3/17', value: VALUE }]);
  expect(account(stored[0])).toMatchObject({ hasGeneratedKey: true, omitted: {} });
});

test('a dead letter whose timestamp the broker rejects gets that of its message', async () => {
  const { stored, writer } = brokerThat(({ timestamp }) =>
    timestamp === undefined ? 'INVALID_TIMESTAMP' : undefined,
  );
  await writer.write(letterOf());
  expect(stored).toMatchObject([{ value: VALUE, timestamp: '1795577684844' }]);
});

test.each(['NOT_ENOUGH_REPLICAS', 'TOPIC_AUTHORIZATION_FAILED', 'UNKNOWN'])(
  'after %s, which is not about the message, nothing is left out',
  async (type) => {
    const { tried, writer } = brokerThat(() => type);
    await expect(writer.write(letterOf())).rejects.toThrow('gave up');
    expect(tried).toHaveLength(1);
  },
);

test('each message is written to the dead-letter topic of its own topic', async () => {
  const { topics, writer } = brokerThat(() => undefined);
  await writer.write({ ...letterOf(), topic: 'orders-us' });
  await writer.write({ ...letterOf(), topic: 'orders-eu' });
  expect(topics).toEqual(['orders-us.dead-letter', 'orders-eu.dead-letter']);
});
