import { createDeadLetterWriter } from '../../../src/bridge/dead-letter-writer.ts';
import { DeadLetterDigests } from '../../../src/operate/dead-letters/dead-letter-index.ts';
import { writtenSince } from '../../../src/operate/dead-letters/earliest-letters.ts';
import { storedDeadLetter } from '../../../src/operate/dead-letters/stored-dead-letter.ts';
import { cutRecords, LARGE_RECORD_BYTES } from '../../../src/kafka/cut-records.ts';
import type { ConsumedMessage } from '../../../src/kafka/consumer/message-consumer.ts';
import { topicRanges } from '../../../src/kafka/read-whole-topic.ts';
import { rangesAround } from '../../../src/kafka/read-ranges.ts';
import { consumedMessage } from '../../support/consumed-message.ts';

const TOPIC = 'orders';
const PARTITION = 3;
const OMITTED_BYTES = LARGE_RECORD_BYTES + 1;

/** The dead letter that the bridge writes for the message, as a reader of the topic gets it. */
async function letterOf(message: ConsumedMessage, topic = TOPIC, partition = PARTITION) {
  const letters: ConsumedMessage[] = [];
  const writer = createDeadLetterWriter(
    {
      send: (_topic, [sent]) => {
        const { key = null, value = null, headers = [] } = sent ?? {};
        letters.push({
          key: key === null ? null : Buffer.from(key),
          value: value === null ? null : Buffer.from(value),
          headers: Object.fromEntries(headers.map((header) => [String(header.name), header.value])),
          offset: '17',
          timestamp: '1795577999999',
        });
        return Promise.resolve();
      },
    },
    'orders.dead-letter',
  );
  await writer.write({ message, topic, partition, reason: 'not-json', error: 'not JSON' });
  const letter = letters[0] && storedDeadLetter(0, letters[0]);
  if (!letter) throw new Error('not a dead letter');
  return letter;
}

const indexFor = (from = 0n, to = 100n) =>
  new DeadLetterDigests({ topic: TOPIC, ranges: new Map([[PARTITION, { from, to }]]) });

const bad = consumedMessage('not JSON', { offset: '7', key: 'k' });

test('knows the message whose dead letter it has read', async () => {
  const index = indexFor();
  expect(index.has(PARTITION, bad)).toBe(false);
  index.add(await letterOf(bad));
  expect(index.has(PARTITION, bad)).toBe(true);
  index.add(await letterOf(bad));
  expect(index.has(PARTITION, { ...bad, headers: { more: 'headers' } })).toBe(true);
});

test.each<readonly [string, Partial<ConsumedMessage>]>([
  ['another offset', { offset: '8' }],
  ['another timestamp: the topic was recreated', { timestamp: '1795577684845' }],
  ['another value under the timestamp that a producer has set', { value: Buffer.from('{}') }],
  ['no value', { value: null }],
  ['another key', { key: Buffer.from('l') }],
  ['no key', { key: null }],
  ['bytes of the value in the key', { key: Buffer.from('kn'), value: Buffer.from('ot JSON') }],
])('does not take a message for it that has %s', async (_difference, changes) => {
  const index = indexFor();
  index.add(await letterOf(bad));
  expect(index.has(PARTITION, { ...bad, ...changes })).toBe(false);
});

test('leaves out letters of other topics, partitions and offsets', async () => {
  const index = indexFor(0n, 7n);
  index.add(await letterOf(bad));
  index.add(await letterOf({ ...bad, offset: '6' }, 'another'));
  index.add(await letterOf({ ...bad, offset: '6' }, TOPIC, 2));
  expect(index.has(PARTITION, bad)).toBe(false);
  expect(index.has(PARTITION, { ...bad, offset: '6' })).toBe(false);
  expect(index.has(2, { ...bad, offset: '6' })).toBe(false);
});

test('knows tombstones, and tells them from empty values', async () => {
  const index = indexFor();
  const tombstone = consumedMessage(null, { offset: '9' });
  index.add(await letterOf(tombstone));
  expect(index.has(PARTITION, tombstone)).toBe(true);
  expect(index.has(PARTITION, { ...tombstone, value: Buffer.alloc(0) })).toBe(false);
});

test('knows a message by the length of the value that its dead letter does not carry', async () => {
  const cut = consumedMessage(null, { offset: '5', headers: await cutHeaders(OMITTED_BYTES) });
  const index = indexFor();
  const letter = await letterOf(cut);
  expect(letter.headers['dead-letter.value.omitted-bytes']).toBe(String(OMITTED_BYTES));
  index.add(letter);
  expect(index.has(PARTITION, cut)).toBe(true);
  // A key that was cut as well differs from that of the letter.
  expect(index.has(PARTITION, { ...cut, key: Buffer.from('k') })).toBe(true);
  // A reader with more memory has it whole.
  expect(index.has(PARTITION, { ...cut, headers: {}, value: Buffer.alloc(OMITTED_BYTES) })).toBe(
    true,
  );
  expect(
    index.has(PARTITION, { ...cut, headers: {}, value: Buffer.alloc(OMITTED_BYTES + 1) }),
  ).toBe(false);
});

test('knows a message by its content where the letter has no timestamp of it', async () => {
  const letter = await letterOf(bad);
  const index = indexFor();
  index.add({ ...letter, account: { ...letter.account, sourceTimestamp: '' } });
  expect(index.has(PARTITION, bad)).toBe(true);
  expect(index.has(PARTITION, { ...bad, value: Buffer.from('{}') })).toBe(false);
});

/** The headers of a record that was too large to be kept while its batch was decompressed. */
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
  const text = (await cutRecords(chunks())).toString('latin1');
  const [name = ''] = /order-ingest\.cut-[0-9a-f-]{36}/.exec(text) ?? [];
  return { [name]: Buffer.from(JSON.stringify({ value: valueBytes })) };
}

describe('what of the dead-letter topic is read', () => {
  const HOUR = 3_600_000;
  const DAY = 24 * HOUR;

  test('begins before the first message of any partition could have been appended', () => {
    const time = Date.parse('2026-11-24T12:00:00Z');
    expect(writtenSince([time + DAY, time], HOUR)).toBe(time - HOUR - DAY);
    expect(writtenSince([time], 0)).toBe(time - DAY);
    expect(writtenSince([5], HOUR)).toBe(0);
  });

  test.each([
    ['a first message was not found', [1_795_577_684_844, undefined]],
    ['a message has no timestamp', [1_795_577_684_844, -1]],
    ['a timestamp is no number', [Number.NaN]],
    ['there are no messages', []],
  ])('is all of it where %s', (_case, timestamps) => {
    expect(writtenSince(timestamps, HOUR)).toBeUndefined();
  });

  test('is what all of the limits leave of each partition', () => {
    const ends = [
      { partition: 0, low: '10', high: '20' },
      { partition: 1, low: '0', high: '5' },
    ];
    expect(topicRanges(ends)).toEqual(
      new Map([
        [0, { from: 10n, to: 20n }],
        [1, { from: 0n, to: 5n }],
      ]),
    );
    const starts = [
      { partition: 0, offset: '12' },
      { partition: 1, offset: '5' },
    ];
    const later = rangesAround([{ partition: 0, offset: 15n }]);
    expect(topicRanges(ends, starts, later)).toEqual(new Map([[0, { from: 15n, to: 16n }]]));
    const within = rangesAround([
      { partition: 0, offset: 15n },
      { partition: 0, offset: 11n },
      { partition: 7, offset: 1n },
    ]);
    expect(within.get(0)).toEqual({ from: 11n, to: 16n });
    expect(topicRanges(ends, starts, within)).toEqual(new Map([[0, { from: 12n, to: 16n }]]));
  });
});
