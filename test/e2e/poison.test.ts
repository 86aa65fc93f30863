import { CompressionTypes, type Message } from 'kafkajs';
import { kafkajsHeaders } from '../../src/kafka/patches/record-headers.ts';
import { recordHeaders, type RecordHeader } from '../../src/kafka/record-headers.ts';
import { eventually } from '../support/eventually.ts';
import type { DeadLetterMessage } from '../support/kafka.ts';
import { orderText } from '../support/messages.ts';
import { stackAddress, TEMPORAL_SERVERS, uniqueName } from '../support/stack.ts';
import { useTemporalOnPostgres } from '../support/temporal-on-postgres.ts';
import { createTestSystem, type TestSystem } from '../support/system.ts';

/**
 * Each of these messages is sent between good ones on one partition. None blocks the partition, ends the
 * bridge or is lost.
 */
interface Poison {
  readonly value: Buffer | string | null;
  readonly headers?: Message['headers'];
  /** Instead of these, those of a client that can send any. */
  readonly recordHeaders?: readonly RecordHeader[];
  readonly key?: Buffer | string | null;
  readonly timestamp?: string;
  readonly gzip?: true;
  /** A reason of a dead letter, a failure type of a workflow, or the order ID of a stored order. */
  readonly becomes: { dead: string } | { failed: string; id: string } | { stored: string };
}

const MIB = 1024 * 1024;
const ID = uniqueName('P');
const named = (name: string) => `${ID}-${name}`;
const dead = (value: Poison['value'], reason: string, more: Partial<Poison> = {}): Poison => ({
  value,
  ...more,
  becomes: { dead: reason },
});
const failed = (name: string, type: string, changes: Readonly<Record<string, string>>): Poison => ({
  value: orderText(named(name), changes),
  becomes: { failed: type, id: named(name) },
});
const stored = (id: string, value: Buffer | string, more: Partial<Poison> = {}): Poison => ({
  value,
  ...more,
  becomes: { stored: id },
});
const order = (name: string, changes: Readonly<Record<string, string>> = {}, more = {}) =>
  stored(named(name), orderText(named(name), changes), more);
const withId = (json: string) => orderText('x').replace('"order_id": "x"', `"order_id": ${json}`);

/** The broker accepts these, but unpatched kafkajs can neither read nor write them. */
const ANY_HEADERS: readonly RecordHeader[] = [
  { name: 'a', value: null },
  ...['constructor', 'toString', 'hasOwnProperty', '__proto__'].map((name) => ({
    name,
    value: Buffer.from(name),
  })),
  { name: '', value: Buffer.alloc(0) },
  { name: 'a', value: Buffer.from('again') },
  { name: Buffer.from([0xff]), value: null },
];

const DIGITS = '1234567890'.repeat(1000);
const E_ACUTE = { composed: `${ID}-caf\u00e9`, decomposed: `${ID}-cafe\u0301` };

const POISON: Readonly<Record<string, Poison>> = {
  'invalid UTF-8': dead(Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), 'not-utf8'),
  'truncated JSON': dead(orderText('x').slice(0, -10), 'not-json'),
  'JSON that is a number': dead('42', 'not-an-object'),
  'JSON that is a list': dead('[{}]', 'not-an-object'),
  'JSON that is null': dead('null', 'not-an-object'),
  'JSON that is a string': dead('"order"', 'not-an-object'),
  '100,000 brackets': dead('['.repeat(100_000) + ']'.repeat(100_000), 'not-json'),
  '100,000 brackets within an order': dead(
    orderText('x', { deep: '['.repeat(100_000) + ']'.repeat(100_000) }),
    'not-json',
  ),
  'a __proto__ that has the order ID': dead('{"__proto__": {"order_id": "x"}}', 'no-order-id'),
  'a constructor and a __proto__': order('proto', {
    ['__proto__']: '{"a": 1}',
    constructor: '{"prototype": 1}',
  }),
  'duplicate keys, of which the last counts': stored(
    named('twice'),
    orderText(named('twice')).replace('{', '{"customer_name": "The first", '),
  ),
  'a price of 10,000 digits': order('digits', { total_price: DIGITS }),
  'a NUL in a name': failed('nul', 'OrderRejected', { customer_name: '"a\\u0000b"' }),
  'an empty value': dead('', 'not-json'),
  'white space alone': dead(' \n\t', 'not-json'),
  'a tombstone': dead(null, 'tombstone'),
  'a missing order ID': dead('{"customer_name": "Ada"}', 'no-order-id'),
  'an order ID that is a number': dead(withId('17'), 'no-order-id'),
  'an empty order ID': dead(withId('""'), 'invalid-order-id'),
  'an order ID of 10,000 characters': dead(withId(`"${'x'.repeat(10_000)}"`), 'invalid-order-id'),
  'an order ID of 201 characters': dead(withId(`"${'x'.repeat(201)}"`), 'invalid-order-id'),
  'an order ID of 200 characters': stored(
    'é'.repeat(200 - ID.length) + ID,
    orderText('é'.repeat(200 - ID.length) + ID),
  ),
  'a NUL in the order ID': dead(withId('"a\\u0000b"'), 'invalid-order-id'),
  'a line feed in the order ID': dead(withId('"a\\nb"'), 'invalid-order-id'),
  'a lone surrogate in the order ID': dead(withId('"\\ud800"'), 'invalid-order-id'),
  'a lone surrogate in a name': failed('surrogate', 'OrderInvalid', { customer_name: '"\\udfff"' }),
  'a value of 3 MB': dead(orderText('x', { pad: `"${'x'.repeat(3 * MIB)}"` }), 'too-large'),
  'a value of 5 MB': dead(orderText('x', { pad: `"${'x'.repeat(5 * MIB)}"` }), 'too-large'),
  'a gzip bomb of 20 MB': dead(Buffer.alloc(20 * MIB, 0x20), 'too-large', { gzip: true }),
  'a gzip bomb of 200 MB': dead(Buffer.alloc(200 * MIB, 0x20), 'too-large', { gzip: true }),
  'headers with binary data': dead('not an order', 'not-json', {
    headers: {
      bytes: Buffer.from([0, 255, 254, 10]),
      many: ['a', Buffer.from([128])],
      '': 'no name',
    },
  }),
  'headers of any name, and null': dead('not an order', 'not-json', {
    recordHeaders: ANY_HEADERS,
  }),
  'headers of any name, and null, on a good order': order(
    'any-headers',
    {},
    { recordHeaders: ANY_HEADERS },
  ),
  'headers with binary data on a good order': order(
    'headers',
    {},
    { headers: { bytes: Buffer.from([0, 255]) } },
  ),
  'headers that claim to be ours': dead('{', 'not-json', {
    headers: {
      'dead-letter.attempt': 'many',
      'dead-letter.reason': 'mine',
      'dead-letter.source.offset': '-1',
    },
  }),
  'order IDs that differ in case (lower)': order('case'),
  'order IDs that differ in case (upper)': stored(`${ID}-CASE`, orderText(`${ID}-CASE`)),
  'order IDs that differ in normal form (NFC)': stored(
    E_ACUTE.composed,
    orderText(E_ACUTE.composed),
  ),
  'order IDs that differ in normal form (NFD)': stored(
    E_ACUTE.decomposed,
    orderText(E_ACUTE.decomposed),
  ),
  'emoji and text from right to left': stored(
    `${ID}-🛒-طلب-\u202e`,
    orderText(`${ID}-🛒-طلب-\u202e`, { customer_name: '"👩‍👩‍👧 فاطمة"' }),
  ),
  'a record without a key': order('no-key', {}, { key: null }),
  'a key that is no UTF-8': order('key', {}, { key: Buffer.from([255, 0]) }),
  'a record without a time': order('no-time', {}, { timestamp: '-1' }),
  'a price of 1e400': order('exponent', { total_price: '1e400' }),
  'a price of 2^53+1': order('integer', { total_price: '9007199254740993' }),
  'a quantity of 2^53+1': failed('quantity', 'OrderInvalid', {
    line_items: '[{"product_id": "P", "quantity": 9007199254740993, "unit_price": 1}]',
  }),
  'a byte order mark': stored(named('bom'), `\uFEFF${orderText(named('bom'))}`),
  'UTF-16': dead(Buffer.from(orderText('x'), 'utf16le'), 'not-json'),
};

useTemporalOnPostgres();

describe.each(TEMPORAL_SERVERS)('on a Temporal server with %s', (_name, address) => {
  let system: TestSystem;
  let allLetters: readonly DeadLetterMessage[];
  let aborted = 0;
  beforeAll(async () => {
    system = await createTestSystem({
      temporalAddress: stackAddress(address),
      maxMessageBytes: 8 * MIB,
    });
    await Promise.all([
      system.startBridge({
        KAFKA_FETCH_MAX_BYTES: '1048576',
        BRIDGE_BREAKER_MAX_PERCENT: '100',
        // Decompressing the largest message holds up heartbeats.
        KAFKA_SESSION_TIMEOUT_MS: '30000',
      }),
      system.startWorker(),
    ]);
    const producer = system.topic.kafka.producer();
    await producer.connect();
    let n = 0;
    for (const [name, poison] of Object.entries(POISON)) {
      const { value, key = 'a key', timestamp, gzip } = poison;
      const headers = poison.recordHeaders
        ? kafkajsHeaders([...poison.recordHeaders, { name: 'name', value: name }])
        : { ...poison.headers, name };
      await producer.send({
        topic: system.topic.name,
        ...(gzip ? { compression: CompressionTypes.GZIP } : {}),
        messages: [{ key, value, headers, ...(timestamp ? { timestamp } : {}) }],
      });
      await producer.send({
        topic: system.topic.name,
        messages: [{ key: null, value: orderText(`${ID}-good-${n}`) }],
      });
      n += 1;
    }
    await producer.disconnect();
    await abortTransactions();
    await system.topic.send([{ key: null, value: orderText(`${ID}-last`) }]);
    await eventually(async () => {
      expect(await system.topic.lag()).toBe(0);
    });
    allLetters = await system.topic.deadLetters();
  });
  afterAll(() => system.close());

  /**
   * Two transactions, one within the other, which end after more than one fetch can hold: the second
   * fetch begins in the middle of both. An IntegerSerializer writes the key 0 as four zero bytes,
   * which is also the key of a marker.
   */
  async function abortTransactions(): Promise<void> {
    const { name: topic } = system.topic;
    const producers = [1, 2].map(() =>
      system.topic.kafka.producer({
        transactionalId: uniqueName('transaction'),
        idempotent: true,
        maxInFlightRequests: 1,
      }),
    );
    await Promise.all(producers.map((producer) => producer.connect()));
    const transactions = await Promise.all(producers.map((producer) => producer.transaction()));
    const sendToAll = async (part: string) => {
      for (const transaction of transactions.toReversed()) {
        aborted += 1;
        const id = `${ID}-aborted-${part}-${aborted}`;
        await transaction.send({
          topic,
          messages: [
            { key: Buffer.alloc(4), value: orderText(`${id}-first`) },
            { key: null, value: orderText(`${id}-second`) },
            { key: null, value: 'aborted' },
          ],
        });
      }
    };
    await sendToAll('before');
    const large = orderText(`${ID}-amid`, { customer_name: 'A'.repeat(1.1 * MIB) });
    await system.topic.send([{ key: null, value: large }]);
    await sendToAll('after');
    for (const transaction of transactions) await transaction.abort();
    await Promise.all(producers.map((producer) => producer.disconnect()));
  }

  test('every good message is stored', async () => {
    const good = Object.keys(POISON).map((_, n) => `${ID}-good-${n}`);
    await eventually(async () => {
      expect(await system.storedOrderIds()).toEqual(
        expect.arrayContaining([...good, `${ID}-last`]),
      );
    });
  });

  test.each(Object.entries(POISON))(
    '%s',
    async (name, { becomes, value, key = 'a key', headers = {}, recordHeaders: sent = [] }) => {
      const letters = allLetters.filter((letter) => String(letter.headers['name']) === name);
      if (!('dead' in becomes)) expect(letters).toEqual([]);
      if ('stored' in becomes) {
        await eventually(async () => {
          expect(await system.storedOrderIds()).toContain(becomes.stored);
        });
      } else if ('failed' in becomes) {
        await eventually(async () => {
          expect(await system.status(becomes.id)).toBe('FAILED');
        });
        await expect(system.workflow(becomes.id).result()).rejects.toMatchObject({
          cause: { type: becomes.failed },
        });
      } else {
        expect(letters).toHaveLength(1);
        const [letter] = letters;
        expect(letter?.reason).toBe(becomes.dead);
        expect(letter?.key).toBe(key?.toString() ?? null);
        const bytes = value === null ? null : Buffer.from(value);
        const isCut = (bytes?.length ?? 0) > 64 * MIB;
        // Jest compares megabytes one by one.
        if (!isCut && bytes) expect(letter?.value?.equals(bytes)).toBe(true);
        else expect(letter?.value).toBeNull();
        expect(letter?.headers['dead-letter.value.omitted-bytes']?.toString()).toBe(
          isCut ? String(bytes?.length) : undefined,
        );
        for (const [header, sent] of Object.entries(headers)) {
          if (header.startsWith('dead-letter.')) continue;
          const asBytes = (one: string | Buffer | undefined) => Buffer.from(one ?? '');
          expect([letter?.headers[header]].flat().map(asBytes)).toEqual([sent].flat().map(asBytes));
        }
        expect(recordHeaders(letter?.headers).slice(0, sent.length)).toEqual(sent);
        expect(letter?.headers).toMatchObject({
          'dead-letter.error': expect.anything(),
          'dead-letter.source.topic': Buffer.from(system.topic.name),
          'dead-letter.source.partition': Buffer.from('0'),
          'dead-letter.attempt': Buffer.from('1'),
          'dead-letter.bridge.version': expect.anything(),
        });
        expect(String(letter?.headers['dead-letter.source.offset'])).toMatch(/^\d+$/);
        expect(String(letter?.headers['dead-letter.source.timestamp'])).toMatch(/^\d+$/);
      }
    },
  );

  test('every digit is kept, and the last of two equal keys counts', async () => {
    const { rows } = await system.database.pool.query<{ id: string; price: string; name: string }>(
      'SELECT order_id AS id, total_price::text AS price, customer_name AS name FROM orders',
    );
    const row = (name: string) => rows.find(({ id }) => id === named(name));
    expect(row('digits')?.price).toBe(DIGITS);
    expect(row('exponent')?.price).toBe(`1${'0'.repeat(400)}`);
    expect(row('integer')?.price).toBe('9007199254740993');
    expect(row('twice')?.name).toBe('Ada Lovelace');
  });

  test('messages of an aborted transaction are never ingested', async () => {
    const { count } = await system.client.workflow.count(
      `WorkflowId STARTS_WITH '${system.workflowId(`${ID}-aborted`)}'`,
    );
    expect(count).toBe(0);
    const stored = await system.storedOrderIds();
    expect(stored.filter((id) => id.startsWith(`${ID}-aborted`))).toEqual([]);
    const values = allLetters.map(({ value }) => value?.subarray(0, 20).toString());
    expect(values).not.toContain('aborted');
  });
});
