import type { ConsumedMessage } from '../../../src/kafka/consumer/consumed-message.ts';
import { ExpiredOrderSearch } from '../../../src/operate/replay/expired-orders.ts';
import { replayMessage, type Replayed } from '../../../src/operate/replay/replay-message.ts';
import { reader } from '../../support/built-in-order.ts';
import { consumedMessage } from '../../support/consumed-message.ts';
import { orderText } from '../../support/messages.ts';

/** A search whose replays return the outcome for the message's offset, or `started`. */
function search(orderIds: readonly string[], outcomes: Readonly<Record<string, Replayed>> = {}) {
  const replayed: string[] = [];
  const orders = new ExpiredOrderSearch(orderIds, reader, ({ partition }, { offset }) => {
    replayed.push(`${partition}/${offset}`);
    return Promise.resolve(outcomes[offset] ?? { kind: 'started' });
  });
  const read = (...messages: ConsumedMessage[]) =>
    orders.read('orders', { partition: 0, messages });
  return { orders, replayed, read };
}

const about = (orderId: string, offset: string, changes = {}) =>
  consumedMessage(orderText(orderId, changes), { offset });

test('replays the first message of each order, and no other', async () => {
  const { orders, replayed, read } = search(['a', 'b']);
  await read(about('x', '0'), consumedMessage('not JSON', { offset: '1' }), consumedMessage(null));
  expect(orders.isSettled).toBe(false);
  await read(about('b', '2'), about('a', '3'), about('a', '4'), about('b', '5'));
  expect(replayed).toEqual(['0/2', '0/3']);
  expect(orders.isSettled).toBe(true);
  expect([...orders.outcomes]).toEqual([
    ['b', { kind: 'started' }],
    ['a', { kind: 'started' }],
  ]);
});

test('continues past messages with a dead letter, and reports an order that has no other', async () => {
  const before = { kind: 'existing-dead-letter' } as const;
  const { orders, replayed, read } = search(['a', 'b'], { 0: before, 1: before, 2: before });
  await read(about('a', '0'), about('b', '1'));
  expect(orders.isSettled).toBe(false);
  await read(about('b', '2'), about('a', '3'));
  expect(replayed).toEqual(['0/0', '0/1', '0/2', '0/3']);
  expect(orders.outcomes).toEqual(
    new Map([
      ['a', { kind: 'started' }],
      [
        'b',
        { kind: 'existing-dead-letter', position: { topic: 'orders', partition: 0, offset: 2n } },
      ],
    ]),
  );
});

test('reports the outcome of messages that were not started', async () => {
  const { orders, replayed, read } = search(['a', 'b', 'c', 'd'], {
    0: { kind: 'dead-letter', reason: 'conflicting-duplicate' },
    1: { kind: 'duplicate' },
    2: { kind: 'would-submit' },
  });
  await read(about('a', '0'), about('b', '1'), about('c', '2'), about('a', '3'));
  // A second dead letter of the same order would add no information.
  expect(replayed).toEqual(['0/0', '0/1', '0/2']);
  expect(orders.outcomes).toEqual(
    new Map([
      [
        'a',
        {
          kind: 'dead-letter',
          position: { topic: 'orders', partition: 0, offset: 0n },
          reason: 'conflicting-duplicate',
        },
      ],
      ['b', { kind: 'duplicate' }],
      ['c', { kind: 'started' }],
    ]),
  );
});

test('finds an order however JSON escapes its ID, and no other that contains the ID', async () => {
  const { orders, replayed, read } = search(['WC/2026/17', 'café-1']);
  await read(
    about('caf\\u00e9-1', '0'),
    about('WC/2026', '1', { customer_name: '"WC/2026/17"' }),
    about('x', '2', { order_id: '"WC\\/2026\\/17"' }),
    about('x', '3', { order_id: '"caf\\u00E9-1"' }),
  );
  expect(replayed).toEqual(['0/2', '0/3']);
  expect(orders.isSettled).toBe(true);
});

describe('a message', () => {
  const replay = (isDeadLetter: boolean, dryRun: boolean) =>
    replayMessage(
      {
        deadLetters: { has: () => isDeadLetter },
        pipeline: { ingestMessage: () => Promise.resolve({ kind: 'started' }) },
        dryRun,
        signal: new AbortController().signal,
      },
      { topic: 'orders', partition: 0 },
      about('a', '0'),
    );

  test('with a dead letter is skipped, and a dry run submits nothing', async () => {
    expect(await replay(true, false)).toEqual({ kind: 'existing-dead-letter' });
    expect(await replay(true, true)).toEqual({ kind: 'existing-dead-letter' });
    expect(await replay(false, true)).toEqual({ kind: 'would-submit' });
    expect(await replay(false, false)).toEqual({ kind: 'started' });
  });
});
