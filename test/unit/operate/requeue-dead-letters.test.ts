import { DEAD_LETTER_HEADERS } from '../../../src/contract/dead-letter.ts';
import { requeueDeadLetters } from '../../../src/operate/dead-letters/requeue-dead-letters.ts';
import {
  parseDeadLetter,
  type DeadLetter,
} from '../../../src/operate/dead-letters/dead-letter-topic.ts';
import type { OutgoingMessage } from '../../../src/kafka/producer.ts';
import type { TransactionResult } from '../../../src/kafka/transactional-producer.ts';

interface Given {
  readonly offset: number;
  readonly key?: string | null;
  readonly value?: Buffer | null;
  readonly topic?: string;
  readonly partition?: number;
  readonly headers?: Readonly<Record<string, Buffer | null>>;
}

function deadLetter({
  offset,
  key = 'k',
  value,
  topic = 'orders',
  partition = 0,
  headers = {},
}: Given): DeadLetter {
  const parsed = parseDeadLetter(0, {
    key: key === null ? null : Buffer.from(key),
    value: value === undefined ? Buffer.from(`value ${offset}`) : value,
    offset: String(offset),
    timestamp: '1795577684844',
    headers: {
      [DEAD_LETTER_HEADERS.reason]: 'not-json',
      [DEAD_LETTER_HEADERS.sourceTopic]: topic,
      [DEAD_LETTER_HEADERS.sourcePartition]: String(partition),
      [DEAD_LETTER_HEADERS.sourceOffset]: String(100 + offset),
      [DEAD_LETTER_HEADERS.attempt]: '1',
      ...headers,
    },
  });
  if (!parsed) throw new Error('not a dead letter');
  return parsed;
}

/** Requeues these through a broker that rejects some messages; returns what was committed. */
async function requeue(
  deadLetters: readonly DeadLetter[],
  options: {
    rejects?: (message: OutgoingMessage) => TransactionResult | undefined;
    limit?: number;
    batchSize?: number;
    perSecond?: number;
    priority?: 1 | 5;
  } = {},
) {
  const transactions: (readonly OutgoingMessage[])[] = [];
  const topics: string[] = [];
  const marks: string[] = [];
  /** When each transaction was sent, in milliseconds. */
  const times: number[] = [];
  let time = 0;
  const result = await requeueDeadLetters({
    readDeadLetters: (onBatch) => onBatch(deadLetters),
    isRequeued: () => false,
    sourceTopics: new Map([
      ['orders', 3],
      ['returns', 1],
    ]),
    marksTopic: 'orders.dead-letter.replayed',
    producer: {
      transact(main, marksTopic) {
        topics.push(main.topic);
        expect(marksTopic.topic).toBe('orders.dead-letter.replayed');
        expect(marksTopic.messages).toHaveLength(main.messages.length);
        for (const message of main.messages) {
          const rejected = options.rejects?.(message);
          if (rejected) return Promise.resolve(rejected);
        }
        transactions.push(main.messages);
        times.push(time);
        marks.push(...marksTopic.messages.map(({ key }) => String(key).replace(/@.*/, '')));
        return Promise.resolve({ kind: 'committed' as const });
      },
    },
    batchSize: options.batchSize ?? 100,
    perSecond: options.perSecond ?? Number.POSITIVE_INFINITY,
    limit: options.limit ?? Number.POSITIVE_INFINITY,
    maxAttempts: 3,
    again: false,
    priority: options.priority,
    signal: new AbortController().signal,
    onProgress: () => undefined,
    clock: {
      now: () => time,
      wait: (ms) => Promise.resolve(void (time += ms)),
    },
  });
  return { result, times, transactions, topics, marks, sent: transactions.flat() };
}

const tooLarge = { kind: 'rejected', rejection: 'too-large', error: 'too large' } as const;
const large = (offset: number) => deadLetter({ offset, value: Buffer.alloc(600_000, 0x61) });
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

test('sends each large dead letter in its own transaction, and small ones together up to 500 kB', async () => {
  const { result, transactions } = await requeue([
    ...numbers(5).map(large),
    ...numbers(10).map((n) => deadLetter({ offset: 10 + n, value: Buffer.alloc(100_000) })),
  ]);
  expect(result).toMatchObject({ requeued: 15, notSent: [] });
  expect(transactions.map(({ length }) => length)).toEqual([1, 1, 1, 1, 1, 4, 4, 2]);
});

test('sends no more per second than the rate, in transactions that are no larger', async () => {
  const deadLetters = numbers(250).map((n) => deadLetter({ offset: n }));
  const limited = await requeue(deadLetters, { perSecond: 50 });
  expect(limited.result.requeued).toBe(250);
  expect(limited.transactions.map(({ length }) => length)).toEqual([50, 50, 50, 50, 50]);
  expect(limited.times).toEqual([0, 1000, 2000, 3000, 4000]);
  const unlimited = await requeue(deadLetters);
  expect(unlimited.times).toEqual([0, 0, 0]);
});

test('sends one partition per transaction, in order, and no more than the batch size', async () => {
  const deadLetters = numbers(12).map((n) => deadLetter({ offset: n, partition: n % 3 }));
  const { transactions } = await requeue(deadLetters, { batchSize: 3 });
  expect(transactions).toHaveLength(6);
  for (const messages of transactions) {
    expect(new Set(messages.map(({ partition }) => partition)).size).toBe(1);
  }
  const ofFirst = transactions.flat().filter(({ partition }) => partition === 0);
  expect(ofFirst.map(({ value }) => String(value))).toEqual([0, 3, 6, 9].map((n) => `value ${n}`));
});

test('sends each message to its source topic, one topic per transaction, and none to another topic', async () => {
  const { result, transactions, topics } = await requeue(
    ['returns', 'orders', 'returns', 'other', 'orders'].map((topic, offset) =>
      deadLetter({ offset, topic }),
    ),
  );
  expect(result).toMatchObject({ requeued: 4, otherTopic: 1 });
  expect(topics).toEqual(['orders', 'returns']);
  expect(transactions.map((messages) => messages.map(({ value }) => String(value)))).toEqual([
    ['value 1', 'value 4'],
    ['value 0', 'value 2'],
  ]);
});

test('looks for the original partition in the source topic of the message', async () => {
  const { sent } = await requeue([
    deadLetter({ offset: 0, topic: 'returns', partition: 2 }),
    deadLetter({ offset: 1, topic: 'orders', partition: 2 }),
  ]);
  expect(sent.map(({ partition }) => partition)).toEqual([2, undefined]);
});

test('leaves the partition to the key if the source topic no longer has the original one', async () => {
  const deadLetters = numbers(3).map((n) => deadLetter({ offset: n, partition: 7 }));
  const { transactions } = await requeue(deadLetters);
  expect(transactions).toHaveLength(3);
  expect(transactions[0]?.[0]).not.toHaveProperty('partition');
});

test('reports a dead letter that the broker rejects, and sends and marks all others', async () => {
  const { result, marks } = await requeue(
    numbers(9).map((n) => deadLetter({ offset: n })),
    { rejects: ({ value }) => (String(value) === 'value 4' ? tooLarge : undefined) },
  );
  expect(result.requeued).toBe(8);
  expect(marks.toSorted()).toEqual([0, 1, 2, 3, 5, 6, 7, 8].map((n) => `0:${n}`));
  expect(result.notSent).toEqual([
    {
      id: '0:4',
      reason: expect.stringContaining('max.message.bytes'),
      source: { topic: 'orders', partition: 0, offset: '104' },
    },
  ]);
});

test('reports the reason of the broker', async () => {
  const { result } = await requeue([deadLetter({ offset: 1, key: null })], {
    rejects: () => ({ kind: 'rejected', rejection: 'invalid', error: 'no key' }),
  });
  expect(result.notSent).toMatchObject([{ id: '0:1', reason: expect.stringMatching(/no key/) }]);
});

test('counts only what was sent towards the limit', async () => {
  const { result, marks } = await requeue(
    numbers(6).map((n) => deadLetter({ offset: n })),
    {
      limit: 3,
      batchSize: 2,
      rejects: ({ value }) => (String(value) === 'value 0' ? tooLarge : undefined),
    },
  );
  expect(result).toMatchObject({ requeued: 3, notSent: [{ id: '0:0' }] });
  expect(marks).toEqual(['0:1', '0:2', '0:3']);
});

test('neither counts nor reports what is beyond the limit', async () => {
  const incomplete = deadLetter({
    offset: 3,
    headers: { [DEAD_LETTER_HEADERS.omittedBytes]: Buffer.from('1800000') },
  });
  const retried = deadLetter({
    offset: 4,
    headers: { [DEAD_LETTER_HEADERS.attempt]: Buffer.from('3') },
  });
  const { result, marks } = await requeue(
    [
      deadLetter({ offset: 0, partition: 2 }),
      deadLetter({ offset: 1, partition: 1 }),
      deadLetter({ offset: 2, partition: 0 }),
      incomplete,
      retried,
    ],
    { limit: 2 },
  );
  expect(marks.toSorted()).toEqual(['0:0', '0:1']);
  expect(result).toMatchObject({ requeued: 2, notSent: [], tooManyAttempts: 0 });
});

test.each(['omittedBytes', 'omittedKeyBytes', 'omittedHeaderBytes'] as const)(
  'does not send a dead letter that lacks a part of its message (%s)',
  async (header) => {
    const incomplete = deadLetter({
      offset: 5,
      value: null,
      headers: { [DEAD_LETTER_HEADERS[header]]: Buffer.from('1800000') },
    });
    const { result, sent } = await requeue([incomplete, deadLetter({ offset: 6 })]);
    expect(sent).toHaveLength(1);
    expect(result.notSent).toEqual([
      {
        id: '0:5',
        reason: expect.stringMatching(/1800000 bytes.*partition 0, offset 105 of "orders"/),
        source: { topic: 'orders', partition: 0, offset: '105' },
      },
    ]);
  },
);

test('sends a tombstone as a tombstone, and leaves out a generated key', async () => {
  const { sent } = await requeue([
    deadLetter({ offset: 1, value: null, headers: { own: null } }),
    deadLetter({
      offset: 2,
      key: 'orders/0/102',
      headers: { [DEAD_LETTER_HEADERS.generatedKey]: Buffer.from('true') },
    }),
  ]);
  const attempt = { name: DEAD_LETTER_HEADERS.attempt, value: '1' };
  expect(sent).toEqual([
    {
      key: Buffer.from('k'),
      value: null,
      headers: [{ name: 'own', value: null }, attempt],
      partition: 0,
    },
    { key: null, value: Buffer.from('value 2'), headers: [attempt], partition: 0 },
  ]);
});

test('a priority goes with the message, and replaces one that it had before', async () => {
  const { sent } = await requeue(
    [deadLetter({ offset: 1, headers: { [DEAD_LETTER_HEADERS.priority]: Buffer.from('4') } })],
    { priority: 1 },
  );
  expect(sent[0]?.headers).toEqual([
    { name: DEAD_LETTER_HEADERS.attempt, value: '1' },
    { name: DEAD_LETTER_HEADERS.priority, value: '1' },
  ]);
});
