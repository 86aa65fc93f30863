import {
  ofWorkflows,
  orderQuery,
  type OrderFilter,
} from '../../../src/temporal/order-visibility.ts';

const NINE = Date.parse('2026-11-24T09:00:00Z');
const BASE = "WorkflowType = 'ingestOrder' AND WorkflowId STARTS_WITH 'order:'";
const queryOf = (filter: OrderFilter) => orderQuery('order:', filter);

test('selects the orders of the prefix', () => {
  expect(queryOf({})).toBe(BASE);
  expect(orderQuery('', {})).toBe("WorkflowType = 'ingestOrder'");
});

test("uses Temporal's names of the statuses", () => {
  expect(queryOf({ statuses: ['cancelled', 'timed-out'] })).toBe(
    `${BASE} AND ExecutionStatus IN ('Canceled', 'TimedOut')`,
  );
});

test.each<[string, OrderFilter, string]>([
  ['closed runs by the time they closed', { statuses: ['failed'] }, 'CloseTime'],
  ['running ones by the time they started', { statuses: ['running'] }, 'StartTime'],
  ['runs of any status by the time they started', {}, 'StartTime'],
])('--since and --until select %s', (_, filter, time) => {
  const query = queryOf({ ...filter, since: NINE, until: NINE + 1000 });
  expect(query).toContain(`${time} >= '2026-11-24T09:00:00.000Z'`);
  expect(query).toContain(`${time} < '2026-11-24T09:00:01.000Z'`);
});

test('a further condition cannot widen the selection', () => {
  expect(queryOf({ failureType: 'OrderInvalid', query: 'A = 1 OR B = 2' })).toBe(
    `${BASE} AND FailureType = 'OrderInvalid' AND (A = 1 OR B = 2)`,
  );
});

test('searches for the part of a prefix that a query can express', () => {
  expect(orderQuery("eu's:", {})).toBe(
    "WorkflowType = 'ingestOrder' AND WorkflowId STARTS_WITH 'eu'",
  );
});

test('a search by workflow ID names the division, so that the server does not add it as a plain condition', () => {
  expect(ofWorkflows("WorkflowId = 'order:A'")).toMatch(
    /^WorkflowId = 'order:A' AND \(TemporalNamespaceDivision IS NULL OR .*\)$/,
  );
});
