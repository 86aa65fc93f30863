import { createDeadLetterWriter } from '../../../src/bridge/dead-letter-writer.ts';
import {
  DigestIndex,
  earliestWriteTime,
} from '../../../src/operate/dead-letters/dead-letter-index.ts';
import { parseDeadLetter } from '../../../src/operate/dead-letters/dead-letter-topic.ts';
import {
  truncateOversizedRecords,
  LARGE_RECORD_BYTES,
} from '../../../src/kafka/truncated-records.ts';
import type { ConsumedMessage } from '../../../src/kafka/consumer/consumed-message.ts';
import { consumedMessage } from '../../support/consumed-message.ts';

const TOPIC = 'orders';
const PARTITION = 3;
const OMITTED_BYTES = LARGE_RECORD_BYTES + 1;

/** The dead letter that the bridge writes for the message, as read from the topic. */
async function deadLetterOf(message: ConsumedMessage, topic = TOPIC, partition = PARTITION) {
  const written: ConsumedMessage[] = [];
  const writer = createDeadLetterWriter(
    {
      send: (_topic, [sent]) => {
        const { key = null, value = null, headers = [] } = sent ?? {};
        written.push({
          key: key === null ? null : Buffer.from(key),
          value: value === null ? null : Buffer.from(value),
          headers: Object.fromEntries(headers.map((header) => [String(header.name), header.value])),
          offset: '17',
          timestamp: '1795577999999',
        });
        return Promise.resolve();
      },
    },
    (source) => `${source}.dead-letter`,
  );
  await writer.write({ message, topic, partition, reason: 'not-json', error: 'not JSON' });
  const deadLetter = written[0] && parseDeadLetter(0, written[0]);
  if (!deadLetter) throw new Error('not a dead letter');
  return deadLetter;
}

const indexFor = (from = 0n, to = 100n) =>
  new DigestIndex({ topic: TOPIC, ranges: new Map([[PARTITION, { from, to }]]) });

const bad = consumedMessage('not JSON', { offset: '7', key: 'k' });

test('recognizes the message of a dead letter', async () => {
  const index = indexFor();
  expect(index.has(PARTITION, bad)).toBe(false);
  index.add(await deadLetterOf(bad));
  expect(index.has(PARTITION, bad)).toBe(true);
  index.add(await deadLetterOf(bad));
  expect(index.has(PARTITION, { ...bad, headers: { more: 'headers' } })).toBe(true);
});

test.each<readonly [string, Partial<ConsumedMessage>]>([
  ['another offset', { offset: '8' }],
  ['another timestamp, as after the topic was recreated', { timestamp: '1795577684845' }],
  ['another value and a timestamp that a producer has set', { value: Buffer.from('{}') }],
  ['no value', { value: null }],
  ['another key', { key: Buffer.from('l') }],
  ['no key', { key: null }],
  [
    'a byte of the value moved into the key',
    { key: Buffer.from('kn'), value: Buffer.from('ot JSON') },
  ],
])('does not recognize a message with %s', async (_difference, changes) => {
  const index = indexFor();
  index.add(await deadLetterOf(bad));
  expect(index.has(PARTITION, { ...bad, ...changes })).toBe(false);
});

test('ignores dead letters of other topics, partitions and offsets', async () => {
  const index = indexFor(0n, 7n);
  index.add(await deadLetterOf(bad));
  index.add(await deadLetterOf({ ...bad, offset: '6' }, 'another'));
  index.add(await deadLetterOf({ ...bad, offset: '6' }, TOPIC, 2));
  expect(index.has(PARTITION, bad)).toBe(false);
  expect(index.has(PARTITION, { ...bad, offset: '6' })).toBe(false);
  expect(index.has(2, { ...bad, offset: '6' })).toBe(false);
});

test('recognizes a tombstone, and distinguishes it from an empty value', async () => {
  const index = indexFor();
  const tombstone = consumedMessage(null, { offset: '9' });
  index.add(await deadLetterOf(tombstone));
  expect(index.has(PARTITION, tombstone)).toBe(true);
  expect(index.has(PARTITION, { ...tombstone, value: Buffer.alloc(0) })).toBe(false);
});

test('recognizes a message by the length of its value if the dead letter lacks the value', async () => {
  const cut = consumedMessage(null, { offset: '5', headers: await cutHeaders(OMITTED_BYTES) });
  const index = indexFor();
  const deadLetter = await deadLetterOf(cut);
  expect(deadLetter.headers['dead-letter.value.omitted-bytes']).toBe(String(OMITTED_BYTES));
  index.add(deadLetter);
  expect(index.has(PARTITION, cut)).toBe(true);
  // The key may have been cut, too, so it is not compared.
  expect(index.has(PARTITION, { ...cut, key: Buffer.from('k') })).toBe(true);
  // A message in a smaller batch is read whole.
  expect(index.has(PARTITION, { ...cut, headers: {}, value: Buffer.alloc(OMITTED_BYTES) })).toBe(
    true,
  );
  expect(
    index.has(PARTITION, { ...cut, headers: {}, value: Buffer.alloc(OMITTED_BYTES + 1) }),
  ).toBe(false);
});

test('recognizes a message by its content if the dead letter lacks its timestamp', async () => {
  const deadLetter = await deadLetterOf(bad);
  const index = indexFor();
  index.add({ ...deadLetter, metadata: { ...deadLetter.metadata, sourceTimestamp: '' } });
  expect(index.has(PARTITION, bad)).toBe(true);
  expect(index.has(PARTITION, { ...bad, value: Buffer.from('{}') })).toBe(false);
});

/** The headers of a record that was cut while its batch was decompressed, because it was too large. */
async function cutHeaders(valueBytes: number): Promise<Record<string, Buffer>> {
  const varint = (number: number) => {
    const bytes: number[] = [];
    let rest = number * 2;
    for (; rest >= 0x80; rest = Math.floor(rest / 128)) bytes.push((rest & 0x7f) | 0x80);
    return Buffer.from([...bytes, rest]);
  };
  const NULL_KEY = Buffer.from([1]);
  const record = Buffer.concat([
    Buffer.from([0, 0, 0]),
    NULL_KEY,
    varint(valueBytes),
    Buffer.alloc(valueBytes),
    varint(0),
  ]);
  async function* chunks() {
    yield await Promise.resolve(Buffer.concat([varint(record.length), record]));
  }
  const text = (await truncateOversizedRecords(chunks())).toString('latin1');
  const [name = ''] = /order-ingest\.truncated-[0-9a-f-]{36}/.exec(text) ?? [];
  return { [name]: Buffer.from(JSON.stringify({ value: valueBytes })) };
}

describe('the part of the dead-letter topic that is read', () => {
  const HOUR = 3_600_000;
  const DAY = 24 * HOUR;

  test('starts before the first message of any partition can have been appended', () => {
    const time = Date.parse('2026-11-24T12:00:00Z');
    expect(earliestWriteTime([time + DAY, time], HOUR)).toBe(time - HOUR - DAY);
    expect(earliestWriteTime([time], 0)).toBe(time - DAY);
    expect(earliestWriteTime([5], HOUR)).toBe(0);
  });

  test.each([
    ['the first message of a partition was not found', [1_795_577_684_844, undefined]],
    ['a message has no timestamp', [1_795_577_684_844, -1]],
    ['a timestamp is not a number', [Number.NaN]],
    ['there are no messages', []],
  ])('is the whole topic if %s', (_case, timestamps) => {
    expect(earliestWriteTime(timestamps, HOUR)).toBeUndefined();
  });
});
