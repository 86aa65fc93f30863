import { DEAD_LETTER_HEADERS } from '../../../src/contract/dead-letter.ts';
import { replayDeadLetters } from '../../../src/operate/dead-letters/replay-dead-letters.ts';
import {
  storedDeadLetter,
  type StoredDeadLetter,
} from '../../../src/operate/dead-letters/stored-dead-letter.ts';
import type { OutgoingMessage } from '../../../src/kafka/producer.ts';
import type { TransactionResult } from '../../../src/kafka/transactional-producer.ts';

interface Letter {
  readonly offset: number;
  readonly key?: string | null;
  readonly value?: Buffer | null;
  readonly partition?: number;
  readonly headers?: Readonly<Record<string, Buffer | null>>;
}

function letterOf({ offset, key = 'k', value, partition = 0, headers = {} }: Letter) {
  const letter = storedDeadLetter(0, {
    key: key === null ? null : Buffer.from(key),
    value: value === undefined ? Buffer.from(`value ${offset}`) : value,
    offset: String(offset),
    timestamp: '1795577684844',
    headers: {
      ...headers,
      [DEAD_LETTER_HEADERS.reason]: 'not-json',
      [DEAD_LETTER_HEADERS.sourceTopic]: 'orders',
      [DEAD_LETTER_HEADERS.sourcePartition]: String(partition),
      [DEAD_LETTER_HEADERS.sourceOffset]: String(100 + offset),
      [DEAD_LETTER_HEADERS.attempt]: '1',
    },
  });
  if (!letter) throw new Error('not a dead letter');
  return letter;
}

/** Replays these through a broker that refuses some messages; answers with what was committed. */
async function replay(
  letters: readonly StoredDeadLetter[],
  options: {
    refuses?: (message: OutgoingMessage) => TransactionResult | undefined;
    limit?: number;
    batchSize?: number;
  } = {},
) {
  const transactions: (readonly OutgoingMessage[])[] = [];
  const marks: string[] = [];
  const result = await replayDeadLetters({
    readLetters: (onLetters) => onLetters(letters),
    isReplayed: () => false,
    sourceTopic: 'orders',
    sourcePartitions: 3,
    marksTopic: 'orders.dead-letter.replayed',
    producer: {
      transact(main, beside) {
        expect(main.topic).toBe('orders');
        expect(beside.topic).toBe('orders.dead-letter.replayed');
        expect(beside.messages).toHaveLength(main.messages.length);
        for (const message of main.messages) {
          const refused = options.refuses?.(message);
          if (refused) return Promise.resolve(refused);
        }
        transactions.push(main.messages);
        marks.push(...beside.messages.map(({ key }) => String(key).replace(/@.*/, '')));
        return Promise.resolve({ kind: 'committed' as const });
      },
    },
    batchSize: options.batchSize ?? 100,
    limit: options.limit ?? Number.POSITIVE_INFINITY,
    maxAttempts: 3,
    again: false,
    signal: new AbortController().signal,
    onProgress: () => undefined,
  });
  return { result, transactions, marks, sent: transactions.flat() };
}

const tooLarge = { kind: 'refused', refusal: 'too-large', error: 'too large' } as const;
const large = (offset: number) => letterOf({ offset, value: Buffer.alloc(600_000, 0x61) });
const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

test('large letters have a transaction each, small ones share it up to half a megabyte', async () => {
  const { result, transactions } = await replay([
    ...numbers(5).map(large),
    ...numbers(10).map((n) => letterOf({ offset: 10 + n, value: Buffer.alloc(100_000) })),
  ]);
  expect(result).toMatchObject({ replayed: 15, notSent: [] });
  expect(transactions.map(({ length }) => length)).toEqual([1, 1, 1, 1, 1, 4, 4, 2]);
});

test('a transaction has letters of one partition alone, in their order, and no more than asked for', async () => {
  const letters = numbers(12).map((n) => letterOf({ offset: n, partition: n % 3 }));
  const { transactions } = await replay(letters, { batchSize: 3 });
  expect(transactions).toHaveLength(6);
  for (const messages of transactions) {
    expect(new Set(messages.map(({ partition }) => partition)).size).toBe(1);
  }
  const ofFirst = transactions.flat().filter(({ partition }) => partition === 0);
  expect(ofFirst.map(({ value }) => String(value))).toEqual([0, 3, 6, 9].map((n) => `value ${n}`));
});

test('a letter from a partition that is gone has a transaction of its own, and goes by its key', async () => {
  const letters = numbers(3).map((n) => letterOf({ offset: n, partition: 7 }));
  const { transactions } = await replay(letters);
  expect(transactions).toHaveLength(3);
  expect(transactions[0]?.[0]).not.toHaveProperty('partition');
});

test('one that the broker refuses is named, and all others are sent and marked', async () => {
  const { result, marks } = await replay(
    numbers(9).map((n) => letterOf({ offset: n })),
    { refuses: ({ value }) => (String(value) === 'value 4' ? tooLarge : undefined) },
  );
  expect(result.replayed).toBe(8);
  expect(marks.toSorted()).toEqual([0, 1, 2, 3, 5, 6, 7, 8].map((n) => `0:${n}`));
  expect(result.notSent).toEqual([
    {
      letter: '0:4',
      reason: expect.stringContaining('max.message.bytes'),
      source: { topic: 'orders', partition: 0, offset: '104' },
    },
  ]);
});

test('what is refused for another reason is named with it', async () => {
  const { result } = await replay([letterOf({ offset: 1, key: null })], {
    refuses: () => ({ kind: 'refused', refusal: 'invalid', error: 'no key' }),
  });
  expect(result.notSent).toMatchObject([
    { letter: '0:1', reason: expect.stringMatching(/no key/) },
  ]);
});

test('a limit counts what is sent', async () => {
  const { result, marks } = await replay(
    numbers(6).map((n) => letterOf({ offset: n })),
    {
      limit: 3,
      batchSize: 2,
      refuses: ({ value }) => (String(value) === 'value 0' ? tooLarge : undefined),
    },
  );
  expect(result).toMatchObject({ replayed: 3, notSent: [{ letter: '0:0' }] });
  expect(marks).toEqual(['0:1', '0:2', '0:3']);
});

test.each(['omittedBytes', 'omittedKeyBytes', 'omittedHeaderBytes'] as const)(
  'a letter that is not all of its message is not sent (%s)',
  async (header) => {
    const incomplete = letterOf({
      offset: 5,
      value: null,
      headers: { [DEAD_LETTER_HEADERS[header]]: Buffer.from('1800000') },
    });
    const { result, sent } = await replay([incomplete, letterOf({ offset: 6 })]);
    expect(sent).toHaveLength(1);
    expect(result.notSent).toEqual([
      {
        letter: '0:5',
        reason: expect.stringMatching(/1800000 bytes.*partition 0, offset 105 of "orders"/),
        source: { topic: 'orders', partition: 0, offset: '105' },
      },
    ]);
  },
);

test('a tombstone is sent as it came, and a key that was made up is not', async () => {
  const { sent } = await replay([
    letterOf({ offset: 1, value: null, headers: { mine: null } }),
    letterOf({
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
      headers: [{ name: 'mine', value: null }, attempt],
      partition: 0,
    },
    { key: null, value: Buffer.from('value 2'), headers: [attempt], partition: 0 },
  ]);
});
