import type { ConsumedMessage } from '../../../src/kafka/consumer/consumed-message.ts';
import {
  classifyMessages,
  type ClassifyOptions,
} from '../../../src/operate/reconcile/classify-messages.ts';
import type { StoredOrder } from '../../../src/contract/order-module.ts';
import type { OrderWorkflow } from '../../../src/temporal/order-workflow.ts';
import { identifyOrder, reader } from '../../support/built-in-order.ts';
import { consumedMessage } from '../../support/consumed-message.ts';
import { orderText } from '../../support/messages.ts';

const TOPIC = 'orders';
const SOURCE = { topic: TOPIC, partition: 0, offset: '5' };

const fingerprintOf = (text: string): string => identifyOrder(text).fingerprint;

const FIRST = orderText('a');
const OTHER = orderText('a', { total_price: '1' });

const row = (text: string, changes: Partial<StoredOrder> = {}): StoredOrder => ({
  orderId: 'a',
  fingerprint: fingerprintOf(text),
  source: SOURCE,
  isCorrected: false,
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
  delayedUntil: undefined,
  priority: undefined,
  fairnessKey: undefined,
  pending: [],
  fingerprints: texts.map(fingerprintOf),
  replay: undefined,
  source: { topic: TOPIC, partition: 0, offset },
});

interface World {
  readonly row?: StoredOrder;
  /** The row that Postgres returns from the second query on; `row` if left out. */
  readonly laterRow?: StoredOrder;
  /** Whether the row has the same values as the message's order. */
  readonly hasSameValues?: boolean;
  /** Whether the workflow has ingested the content of the message; by its fingerprints if left out. */
  readonly hasIngested?: boolean;
  readonly workflow?: OrderWorkflow;
  readonly deadLetters?: readonly ConsumedMessage[];
  readonly committed?: bigint;
  readonly maxInputBytes?: number;
}

/** The outcome of the message in this world, with the reason if it is missing. */
async function outcomeOf(message: ConsumedMessage, world: World = {}) {
  let queries = 0;
  const options: ClassifyOptions = {
    topic: TOPIC,
    maxInputBytes: world.maxInputBytes ?? 1_000_000,
    committed: new Map([[0, world.committed ?? 100n]]),
    deadLetters: { has: (_partition, one) => world.deadLetters?.includes(one) ?? false },
    reader,
    orders: {
      findRows: () => {
        queries += 1;
        const found = queries > 1 ? (world.laterRow ?? world.row) : world.row;
        return Promise.resolve(found ? [found] : []);
      },
      hasValuesOf: () => Promise.resolve(world.hasSameValues ?? false),
      findWorkflow: () => Promise.resolve(world.workflow),
      hasIngested: ({ fingerprints }, { fingerprint }) =>
        Promise.resolve(world.hasIngested ?? fingerprints.includes(fingerprint)),
    },
  };
  const [classified] = await classifyMessages(options, 0, [message]);
  return classified?.outcome === 'missing'
    ? `missing: ${classified.missing.why}`
    : classified?.outcome;
}

const at = (offset: string, text: string | null = FIRST) => consumedMessage(text, { offset });
const NO_ROW = 'workflow has completed, but there is no row in Postgres';

describe('a row', () => {
  test('with the content and the position of the message makes it stored', async () => {
    expect(await outcomeOf(at('5'), { row: row(FIRST) })).toBe('stored');
  });

  test('of an older version is the same order if the values match, whatever the fingerprint', async () => {
    const older = row(FIRST, { fingerprint: 'a'.repeat(64) });
    expect(await outcomeOf(at('5'), { row: older, hasSameValues: true })).toBe('stored');
    expect(await outcomeOf(at('6'), { row: older, hasSameValues: true })).toBe('duplicate');
    expect(await outcomeOf(at('6'), { row: older })).toMatch(/^missing/);
    // For a row of this version, the fingerprint alone decides.
    const other = row(FIRST, { fingerprint: `2:${'a'.repeat(64)}` });
    expect(await outcomeOf(at('6'), { row: other, hasSameValues: true })).toMatch(/^missing/);
  });

  test('with the content of the message from another position makes it a duplicate', async () => {
    expect(await outcomeOf(at('6'), { row: row(FIRST) })).toBe('duplicate');
    expect(
      await outcomeOf(at('5'), { row: row(FIRST, { source: { ...SOURCE, topic: 'old' } }) }),
    ).toBe('duplicate');
  });

  test('with the position but not the content of the message does not account for it, as after the topic was recreated', async () => {
    const world = { row: row(OTHER) };
    expect(await outcomeOf(at('5'), world)).toMatch(/^missing: other content is stored/);
    expect(
      await outcomeOf(at('5'), { ...world, workflow: workflow('completed', [OTHER]) }),
    ).toMatch(/^missing: other content was ingested/);
  });

  test('that is stored after the first query counts', async () => {
    const world = { laterRow: row(FIRST), workflow: workflow('completed') };
    expect(await outcomeOf(at('5'), world)).toBe('stored');
    expect(await outcomeOf(at('6'), world)).toBe('duplicate');
  });
});

describe('a corrected order', () => {
  const corrected = { row: row(OTHER, { isCorrected: true }) };

  test('accounts for its message, the corrected message and duplicates of both', async () => {
    const world = { ...corrected, workflow: workflow('completed', [FIRST, OTHER]) };
    expect(await outcomeOf(at('5'), world)).toBe('stored');
    expect(await outcomeOf(at('6'), world)).toBe('duplicate');
    expect(await outcomeOf(at('7', OTHER), world)).toBe('duplicate');
  });

  test('accounts for its message when its workflow has expired', async () => {
    expect(await outcomeOf(at('5'), corrected)).toBe('stored');
    expect(await outcomeOf(at('6'), corrected)).toMatch(/^missing/);
  });

  test('of an older form accounts for its own message by its position only', async () => {
    const older = row(OTHER, { fingerprint: '0:corrected', isCorrected: true });
    const world = {
      row: older,
      workflow: { ...workflow('completed'), fingerprints: ['0:first', '0:corrected'] },
    };
    expect(await outcomeOf(at('5'), world)).toBe('stored');
    expect(await outcomeOf(at('5'), { row: older })).toBe('stored');
    expect(await outcomeOf(at('6'), world)).toMatch(/^missing: other content/);
  });

  test('does not account for another message at the same position', async () => {
    const world = {
      ...corrected,
      workflow: workflow('completed', [orderText('a', { total_price: '7' })]),
    };
    expect(await outcomeOf(at('5'), world)).toMatch(/^missing: other content/);
  });

  test('is missing when its row has been deleted', async () => {
    const world = { workflow: workflow('completed', [FIRST, OTHER]) };
    for (const message of [at('5'), at('6'), at('7', OTHER)]) {
      expect(await outcomeOf(message, world)).toContain(NO_ROW);
    }
  });
});

describe('a workflow', () => {
  test.each([
    ['running', 'in-progress', 'duplicate'],
    ['failed', 'failed', 'duplicate'],
    ['completed', `missing: its ${NO_ROW}`, `missing: the order's ${NO_ROW}`],
  ] as const)('that is %s makes its message %s and another one %s', async (state, own, other) => {
    expect(await outcomeOf(at('5'), { workflow: workflow(state) })).toBe(own);
    expect(await outcomeOf(at('6'), { workflow: workflow(state) })).toBe(other);
  });

  test('with other content accounts for no message', async () => {
    for (const state of ['running', 'failed', 'completed'] as const) {
      expect(await outcomeOf(at('6', OTHER), { workflow: workflow(state) })).toMatch(
        /^missing: other content was ingested/,
      );
    }
  });

  test('that has completed does not account for its message if the row has other content', async () => {
    const world = { row: row(OTHER), workflow: workflow('completed') };
    expect(await outcomeOf(at('5'), world)).toBe(
      'missing: its workflow has completed, but the row in Postgres has other content',
    );
  });

  test('that has completed accounts for its content if it stored the row, in an older form', async () => {
    const older = row(FIRST, { fingerprint: '0:first' });
    const completed = { ...workflow('completed'), fingerprints: ['0:first'] };
    // The values differ in a field that the fingerprint does not count, or in a column that is newer than the row.
    const world = { row: older, workflow: completed, hasIngested: true, hasSameValues: false };
    expect(await outcomeOf(at('5'), world)).toBe('stored');
    expect(await outcomeOf(at('6'), world)).toBe('duplicate');
    expect(await outcomeOf(at('6'), { ...world, hasIngested: false })).toMatch(/^missing/);
    const otherRow = { ...older, fingerprint: '0:other' };
    expect(await outcomeOf(at('5'), { ...world, row: otherRow })).toMatch(/^missing: its workflow/);
  });

  test('that was started by hand accounts for its order', async () => {
    expect(await outcomeOf(at('5'), { workflow: workflow('failed', []) })).toBe('failed');
  });
});

describe('a message without a row or a workflow', () => {
  test('is missing if the group has committed it, and in progress otherwise', async () => {
    expect(await outcomeOf(at('5'))).toBe(
      'missing: neither a row in Postgres nor a workflow in Temporal',
    );
    expect(await outcomeOf(at('5'), { committed: 5n })).toBe('in-progress');
    expect(await outcomeOf(at('5'), { committed: 6n })).toMatch(/^missing/);
    expect(await outcomeOf(at('5', 'not JSON'))).toMatch(
      /^missing: no dead letter, although not valid/,
    );
    expect(await outcomeOf(at('5', null))).toMatch(
      /^missing: no dead letter, although .* no value/,
    );
    expect(await outcomeOf(at('5'), { maxInputBytes: 10 })).toMatch(
      /^missing: .* a workflow takes 10/,
    );
  });

  test('is dead-lettered if it has a dead letter', async () => {
    for (const message of [at('5'), at('5', 'not JSON'), at('5', null)]) {
      expect(await outcomeOf(message, { deadLetters: [message] })).toBe('dead-lettered');
    }
    const conflict = at('6', OTHER);
    expect(await outcomeOf(conflict, { row: row(FIRST), deadLetters: [conflict] })).toBe(
      'dead-lettered',
    );
  });
});

test('Postgres is queried once per batch, and Temporal only for messages that are not accounted for', async () => {
  const queried: (readonly string[])[] = [];
  const classified = await classifyMessages(
    {
      topic: TOPIC,
      maxInputBytes: 1_000_000,
      committed: new Map(),
      deadLetters: { has: () => false },
      reader,
      orders: {
        findRows: (orderIds) => {
          queried.push(orderIds);
          return Promise.resolve([row(FIRST)]);
        },
        hasValuesOf: () => Promise.reject(new Error('the fingerprint is enough')),
        hasIngested: () => Promise.reject(new Error('there is no workflow')),
        findWorkflow: () => Promise.reject(new Error('Temporal need not be queried')),
      },
    },
    0,
    [at('5'), at('6'), at('7', 'not JSON'), at('8', orderText('b'))],
  );
  expect(classified.map(({ outcome }) => outcome)).toEqual([
    'stored',
    'duplicate',
    'in-progress',
    'in-progress',
  ]);
  expect(queried).toEqual([['a', 'b']]);
});
