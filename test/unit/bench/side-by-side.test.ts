import {
  comparisonTables,
  describeRivals,
  priceRange,
  rounded,
} from '../../../bench/rivals/describe.ts';
import { endsOf } from '../../../bench/rivals/measure.ts';
import { badMessageOf, type RivalResult } from '../../../bench/rivals/result.ts';

const same = (figure: number) => ({ median: figure, low: figure, high: figure });

const RESULT: RivalResult = {
  name: 'a system',
  rate: { median: 1234.5, low: 1100, high: 1300 },
  cpu: { service: 1.25, postgres: 0.25 },
  latency: { p50: same(3.21), p99: same(45.6) },
  memory: { service: 100, server: 23.4 },
  killed: { orders: 1500, lost: 0, readAgain: 7 },
  killedWithServer: { orders: 1500, lost: 3, readAgain: 0 },
  troubled: {
    goodOrders: 501,
    stuck: 0,
    ends: {
      conflict: 'dropped',
      'not-json': 'dead letter',
      nul: 'dead letter',
      constraint: 'failed workflow',
    },
    rerun: { how: '`run it`', stored: true },
  },
};

test.each([
  [0.2449, '0.245'],
  [7.123, '7.12'],
  [132.4, '132'],
  [21_481, '21,500'],
  [0, '0'],
])('%f is written as %s', (figure, text) => {
  expect(rounded(figure)).toBe(text);
});

/** Of the last row. */
const cellsOf = (table: string) =>
  table
    .split('\n')
    .at(-1)
    ?.split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

test('the tables add up what all processes of a system take', () => {
  const { cost, kill } = comparisonTables([RESULT]);
  expect(cellsOf(cost)).toEqual([
    ...['a system', '1,230 (1,100 to 1,300)', '1.5 ms', '3.21, 45.6 ms', '123 MiB'],
  ]);
  expect(cellsOf(kill)).toEqual(expect.arrayContaining(['none of 1,500', '7', '3 of 1,500']));
});

test('the summary counts the orders that are lost in either kill, and names each end of a bad message once', () => {
  const { summary } = comparisonTables([RESULT]);
  expect(summary.split('\n').at(-1)).toMatch(
    /\| 3 +\| none +\| dropped +\| dead letter, failed workflow +\|$/,
  );
});

test('blocked orders are counted among all good ones', () => {
  const troubled = { ...RESULT.troubled, stuck: 12 };
  expect(comparisonTables([{ ...RESULT, troubled }]).trouble).toContain('| 12 of 501');
});

test('the price of an order is compared with the systems that do the same work', () => {
  const system = (name: string, ms: number): RivalResult => ({ ...RESULT, name, cpu: { it: ms } });
  const results = [
    system("order-ingest, Temporal's dev server", 1000),
    system('order-ingest, Temporal on Postgres', 24),
    system('order-ingest run, Temporal on Postgres', 20),
    system('DBOS', 4),
    system('loop', 0.3),
    system("Debezium's JDBC sink", 0.1),
  ];
  expect(priceRange(results)).toBe('5 to 80');
  const { forms } = comparisonTables(results);
  expect(
    forms
      .split('\n')
      .slice(2)
      .map((row) => row.split(' | ')[0]),
  ).toEqual([
    '| order-ingest, Temporal on Postgres    ',
    '| order-ingest run, Temporal on Postgres',
  ]);
});

test('what the benchmark prints fits on a page with ten systems', () => {
  const lines = describeRivals(Array.from({ length: 10 }, () => RESULT)).split('\n');
  expect(lines.length).toBeLessThanOrEqual(40);
});

test.each([
  ['a different order with this ID is stored', 'conflict'],
  ['conflicting-duplicate', 'conflict'],
  ['character not in repertoire: a NUL character cannot be stored (SQLSTATE 22021)', 'nul'],
  ['check violation (SQLSTATE 23514, table orders)', 'constraint'],
  ['not valid JSON at position 0', 'not-json'],
  ['not-json', 'not-json'],
  ['timeout expired', undefined],
])('the reason "%s" is that of the bad message %s', (reason, message) => {
  expect(badMessageOf(reason)).toBe(message);
});

test('a bad message that is kept nowhere was dropped, overwrote an order or blocks others', () => {
  const kept = [{ as: 'dead letter', reason: 'not-json', id: 'a' }];
  expect(endsOf(kept, { isOverwritten: true, blocking: ['nul', 'constraint'] })).toEqual({
    conflict: 'overwrites the earlier order',
    'not-json': 'dead letter',
    nul: 'blocks others',
    constraint: 'blocks others',
  });
  expect(endsOf([], { isOverwritten: false, blocking: [] })).toMatchObject({
    conflict: 'dropped',
    nul: 'dropped',
  });
});
