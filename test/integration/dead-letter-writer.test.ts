import { randomBytes } from 'node:crypto';
import { createDeadLetterWriter } from '../../src/bridge/dead-letter-writer.ts';
import { readDeadLetterHeaders } from '../../src/contract/dead-letter.ts';
import { createProducer, type MessageProducer } from '../../src/kafka/producer.ts';
import { createTestTopic, createTopics, readTopic, type TestTopic } from '../support/kafka.ts';
import { uniqueName } from '../support/stack.ts';

/** What a real broker rejects, and how the dead letter is then written. */
let topic: TestTopic;
let producer: MessageProducer;
beforeAll(async () => {
  topic = await createTestTopic();
  producer = createProducer(topic.kafka);
  await producer.connect();
});
afterAll(async () => {
  await producer.disconnect();
  await topic.close();
});

/** Writes dead letters to a topic with these settings, and returns what the topic holds. */
async function write(
  config: Readonly<Record<string, string>>,
  messages: readonly { key?: Buffer | null; value?: Buffer; headers?: Record<string, Buffer> }[],
) {
  const name = uniqueName('dead-letters');
  await createTopics(topic.kafka, [
    {
      topic: name,
      numPartitions: 1,
      configEntries: Object.entries(config).map(([key, value]) => ({ name: key, value })),
    },
  ]);
  const writer = createDeadLetterWriter(producer, () => name);
  const omitted = [];
  for (const [index, { key = Buffer.from('k'), value, headers = {} }] of messages.entries()) {
    omitted.push(
      await writer.write({
        message: {
          key,
          value: value ?? Buffer.from('bad'),
          headers,
          offset: String(index),
          timestamp: '1795577684844',
        },
        topic: 'orders',
        partition: 0,
        reason: 'not-json',
        error: 'not JSON',
      }),
    );
  }
  const letters = await readTopic(topic.kafka, topic.admin, name);
  return {
    omitted,
    letters: letters.map(({ key, value, headers }) => ({
      key,
      value: value?.toString(),
      account: readDeadLetterHeaders(headers),
    })),
  };
}

test('parts that are too large are omitted, first the value, then the headers, then the key, unless they fit when compressed', async () => {
  const { omitted, letters } = await write({ 'max.message.bytes': '1000' }, [
    { value: randomBytes(5000) },
    { headers: { mine: randomBytes(5000) } },
    { key: randomBytes(5000), headers: { mine: Buffer.from('1') } },
    { value: Buffer.alloc(5000, 'x') },
    {},
  ]);
  expect(omitted).toEqual([
    { value: 5000 },
    { value: 3, headers: 5004 },
    { value: 3, headers: 5, key: 5000 },
    {},
    {},
  ]);
  expect(letters).toMatchObject([
    { key: 'k', value: undefined, account: { omitted: { value: 5000 } } },
    { key: 'k', value: undefined, account: { omitted: { value: 3, headers: 5004 } } },
    { key: null, value: undefined, account: { omitted: { value: 3, headers: 5, key: 5000 } } },
    { key: 'k', value: 'x'.repeat(5000), account: { omitted: {} } },
    { key: 'k', value: 'bad', account: { omitted: {} } },
  ]);
});

test('a compacted topic, which rejects messages without a key, receives the dead letter with a generated key', async () => {
  const { omitted, letters } = await write({ 'cleanup.policy': 'compact' }, [{ key: null }, {}]);
  expect(omitted).toEqual([{}, {}]);
  expect(letters).toMatchObject([
    { key: 'orders/0/0', value: 'bad', account: { hasGeneratedKey: true } },
    { key: 'k', value: 'bad', account: { hasGeneratedKey: false } },
  ]);
});
