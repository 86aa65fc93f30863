import { identify } from '../../../src/order/identify.ts';
import type { ConsumedMessage } from '../../../src/kafka/consumer/message-consumer.ts';
import {
  classifyMessages,
  type ClassifyOptions,
} from '../../../src/operate/reconcile/classify-messages.ts';
import type { StoredOrderRow } from '../../../src/order/sql/find-orders.ts';
import type { OrderWorkflow } from '../../../src/temporal/order-workflow.ts';
import { consumedMessage } from '../../support/consumed-message.ts';
import { orderText } from '../../support/messages.ts';

const TOPIC = 'orders';

function fingerprintOf(text: string): string {
  const read = identify(Buffer.from(text), text.length);
  if (read.kind !== 'order') throw new Error('not an order');
  return read.fingerprint;
}

const FIRST = orderText('a');
const OTHER = orderText('a', { total_price: '1' });

const row = (text: string, changes: Partial<StoredOrderRow> = {}): StoredOrderRow => ({
  order_id: 'a',
  fingerprint: fingerprintOf(text),
  source_topic: TOPIC,
  source_partition: 0,
  source_offset: '5',
  is_corrected: false,
  ...changes,
});

const workflow = (
  status: OrderWorkflow['status'],
  texts: readonly string[] = [FIRST],
  offset = 5,
): OrderWorkflow => ({
  orderId: 'a',
  workflowId: 'order:a',
  runId: 'run',
  status,
  failureType: undefined,
  failure: undefined,
  startedAt: 0,
  closedAt: undefined,
  pending: [],
  fingerprints: texts.map(fingerprintOf),
  replay: undefined,
  source: { topic: TOPIC, partition: 0, offset },
});

interface World {
  readonly row?: StoredOrderRow;
  /** What Postgres has the second time it is asked. */
  readonly laterRow?: StoredOrderRow;
  /** Whether the row has the values of the message's order. */
  readonly hasSameValues?: boolean;
  readonly workflow?: OrderWorkflow;
  readonly deadLetters?: readonly ConsumedMessage[];
  readonly committed?: bigint;
  readonly maxInputBytes?: number;
}

async function judge(message: ConsumedMessage, world: World = {}) {
  let asked = 0;
  const options: ClassifyOptions = {
    topic: TOPIC,
    maxInputBytes: world.maxInputBytes ?? 1_000_000,
    committed: new Map([[0, world.committed ?? 100n]]),
    deadLetters: { has: (_partition, one) => world.deadLetters?.includes(one) ?? false },
    findRows: () => {
      asked += 1;
      const found = asked > 1 ? (world.laterRow ?? world.row) : world.row;
      return Promise.resolve(found ? [found] : []);
    },
    hasValuesOf: () => Promise.resolve(world.hasSameValues ?? false),
    findWorkflow: () => Promise.resolve(world.workflow),
    isAbout: ({ fingerprints }, { fingerprint }) =>
      Promise.resolve(fingerprints.includes(fingerprint)),
  };
  const [verdict] = await classifyMessages(options, 0, [message]);
  return verdict?.outcome === 'missing' ? `missing: ${verdict.missing.why}` : verdict?.outcome;
}

const at = (offset: string, text: string | null = FIRST) => consumedMessage(text, { offset });
const NO_ROW = 'workflow has completed, but there is no row in Postgres';

describe('a row', () => {
  test('with the content and the place of the message makes it stored', async () => {
    expect(await judge(at('5'), { row: row(FIRST) })).toBe('stored');
  });

  test('of an older version with the same values under another fingerprint is the same order', async () => {
    const older = row(FIRST, { fingerprint: 'a'.repeat(64) });
    expect(await judge(at('5'), { row: older, hasSameValues: true })).toBe('stored');
    expect(await judge(at('6'), { row: older, hasSameValues: true })).toBe('duplicate');
    expect(await judge(at('6'), { row: older })).toMatch(/^missing/);
    // Of this version the fingerprint alone decides.
    const other = row(FIRST, { fingerprint: `2:${'a'.repeat(64)}` });
    expect(await judge(at('6'), { row: other, hasSameValues: true })).toMatch(/^missing/);
  });

  test('with its content from another place makes it a duplicate', async () => {
    expect(await judge(at('6'), { row: row(FIRST) })).toBe('duplicate');
    expect(await judge(at('5'), { row: row(FIRST, { source_topic: 'old' }) })).toBe('duplicate');
  });

  test('with its place alone does not: the topic was recreated', async () => {
    const world = { row: row(OTHER) };
    expect(await judge(at('5'), world)).toMatch(/^missing: another content is stored/);
    expect(await judge(at('5'), { ...world, workflow: workflow('completed', [OTHER]) })).toMatch(
      /^missing: another content was ingested/,
    );
  });

  test('that was stored after the first look counts', async () => {
    const world = { laterRow: row(FIRST), workflow: workflow('completed') };
    expect(await judge(at('5'), world)).toBe('stored');
    expect(await judge(at('6'), world)).toBe('duplicate');
  });
});

describe('a corrected order', () => {
  const corrected = { row: row(OTHER, { is_corrected: true }) };

  test('accounts for its message, for the corrected one and for duplicates of both', async () => {
    const world = { ...corrected, workflow: workflow('completed', [FIRST, OTHER]) };
    expect(await judge(at('5'), world)).toBe('stored');
    expect(await judge(at('6'), world)).toBe('duplicate');
    expect(await judge(at('7', OTHER), world)).toBe('duplicate');
  });

  test('accounts for its message when Temporal no longer has it', async () => {
    expect(await judge(at('5'), corrected)).toBe('stored');
    expect(await judge(at('6'), corrected)).toMatch(/^missing/);
  });

  test('does not account for another message at its place', async () => {
    const world = {
      ...corrected,
      workflow: workflow('completed', [orderText('a', { total_price: '7' })]),
    };
    expect(await judge(at('5'), world)).toMatch(/^missing: another content/);
  });

  test('is missing when its row is gone', async () => {
    const world = { workflow: workflow('completed', [FIRST, OTHER]) };
    for (const message of [at('5'), at('6'), at('7', OTHER)]) {
      expect(await judge(message, world)).toContain(NO_ROW);
    }
  });
});

describe('a workflow', () => {
  test.each([
    ['running', 'in-progress', 'duplicate'],
    ['failed', 'failed', 'duplicate'],
    ['completed', `missing: its ${NO_ROW}`, `missing: the order's ${NO_ROW}`],
  ] as const)('that is %s makes its message %s and another one %s', async (state, own, other) => {
    expect(await judge(at('5'), { workflow: workflow(state) })).toBe(own);
    expect(await judge(at('6'), { workflow: workflow(state) })).toBe(other);
  });

  test('about another content accounts for nothing', async () => {
    for (const state of ['running', 'failed', 'completed'] as const) {
      expect(await judge(at('6', OTHER), { workflow: workflow(state) })).toMatch(
        /^missing: another content was ingested/,
      );
    }
  });

  test('that has completed does not speak for a row with another content', async () => {
    const world = { row: row(OTHER), workflow: workflow('completed') };
    expect(await judge(at('5'), world)).toBe(
      'missing: its workflow has completed, but the row in Postgres has another content',
    );
  });

  test('that somebody has started by hand speaks for its order', async () => {
    expect(await judge(at('5'), { workflow: workflow('failed', []) })).toBe('failed');
  });
});

describe('nothing else', () => {
  test('makes a message missing, unless the group has not committed it', async () => {
    expect(await judge(at('5'))).toBe(
      'missing: neither a row in Postgres nor a workflow in Temporal',
    );
    expect(await judge(at('5'), { committed: 5n })).toBe('in-progress');
    expect(await judge(at('5'), { committed: 6n })).toMatch(/^missing/);
    expect(await judge(at('5', 'not JSON'))).toMatch(/^missing: no dead letter, though not valid/);
    expect(await judge(at('5', null))).toMatch(/^missing: no dead letter, though .* no value/);
    expect(await judge(at('5'), { maxInputBytes: 10 })).toMatch(/^missing: .* a workflow takes 10/);
  });

  test('but its dead letter makes it dead-lettered', async () => {
    for (const message of [at('5'), at('5', 'not JSON'), at('5', null)]) {
      expect(await judge(message, { deadLetters: [message] })).toBe('dead-lettered');
    }
    const conflict = at('6', OTHER);
    expect(await judge(conflict, { row: row(FIRST), deadLetters: [conflict] })).toBe(
      'dead-lettered',
    );
  });
});

test('Postgres is asked once for each order of a batch', async () => {
  const asked: (readonly string[])[] = [];
  const verdicts = await classifyMessages(
    {
      topic: TOPIC,
      maxInputBytes: 1_000_000,
      committed: new Map(),
      deadLetters: { has: () => false },
      findRows: (orderIds) => {
        asked.push(orderIds);
        return Promise.resolve([row(FIRST)]);
      },
      hasValuesOf: () => Promise.reject(new Error('the fingerprint is enough')),
      isAbout: () => Promise.reject(new Error('there is no workflow')),
      findWorkflow: () => Promise.reject(new Error('Temporal need not be asked')),
    },
    0,
    [at('5'), at('6'), at('7', 'not JSON'), at('8', orderText('b'))],
  );
  expect(verdicts.map(({ outcome }) => outcome)).toEqual([
    'stored',
    'duplicate',
    'in-progress',
    'in-progress',
  ]);
  expect(asked).toEqual([['a', 'b']]);
});
