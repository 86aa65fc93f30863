import pMap from 'p-map';
import { INGEST_ORDER } from '../contract/ingest-workflow.ts';
import {
  FAILURE_TYPE,
  SOURCE_OFFSET,
  SOURCE_PARTITION,
  SOURCE_TOPIC,
} from '../contract/workflow-metadata.ts';
import { callWithRetry } from './call-with-retry.ts';
import { type OrderStatus, QUERY_NAMES } from './order-status.ts';
import { describeRun, type OrderNamespace, type OrderRun, toOrderRun } from './order-workflow.ts';
import { isExpressible, quoted, startsWith } from './visibility-query.ts';

/** Which runs of orders a query finds. All that is left out is unlimited. */
export interface OrderFilter {
  readonly statuses?: readonly OrderStatus[] | undefined;
  /** A failure type such as `OrderInvalid`. */
  readonly failureType?: string | undefined;
  /**
   * Milliseconds since 1970, compared with the time at which the run closed or, if the statuses include
   * `running` or are left out, at which it started.
   */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** A further condition in Temporal's query language. */
  readonly query?: string | undefined;
}

/** The filter in Temporal's query language. */
export function orderQuery(workflowIdPrefix: string, filter: OrderFilter): string {
  const { statuses, failureType, since, until, query } = filter;
  const time = statuses && !statuses.includes('running') ? 'CloseTime' : 'StartTime';
  return [
    `WorkflowType = ${quoted(INGEST_ORDER)}`,
    ...startsWith('WorkflowId', workflowIdPrefix),
    ...(statuses
      ? [`ExecutionStatus IN (${statuses.map((status) => quoted(QUERY_NAMES[status])).join(', ')})`]
      : []),
    ...(failureType === undefined ? [] : [`${FAILURE_TYPE.name} = ${quoted(failureType)}`]),
    ...(since === undefined ? [] : [`${time} >= ${instant(since)}`]),
    ...(until === undefined ? [] : [`${time} < ${instant(until)}`]),
    ...(query === undefined ? [] : [`(${query})`]),
  ].join(' AND ');
}

const instant = (milliseconds: number) => quoted(new Date(milliseconds).toISOString());

/**
 * Counts the runs that match the filter. A re-run order counts once per run. If a query cannot express
 * the whole prefix, runs under other prefixes with the same beginning are counted, too.
 */
export const countRuns = (place: OrderNamespace, filter: OrderFilter): Promise<number> =>
  countMatches(place, orderQuery(place.workflowIdPrefix, filter));

async function countMatches({ client }: OrderNamespace, query: string): Promise<number> {
  const { namespace } = client.options;
  const { count } = await callWithRetry(client, () =>
    client.workflowService.countWorkflowExecutions({ namespace, query }),
  );
  return Number(count);
}

/**
 * Whether any workflow under the prefix was started with a message of the topic. False, too, when the
 * namespace's retention has passed for all of them.
 */
export async function hasIngestedFrom(place: OrderNamespace, topic: string): Promise<boolean> {
  const { workflowIdPrefix } = place;
  const query = [
    `${SOURCE_TOPIC.name} = ${quoted(topic)}`,
    ...startsWith('WorkflowId', workflowIdPrefix),
  ].join(' AND ');
  const count = await countMatches(place, query);
  if (count === 0 || isExpressible(workflowIdPrefix)) return count > 0;
  for await (const runs of listRuns(place, query)) if (runs.length > 0) return true;
  return false;
}

/**
 * Lists the orders whose latest run matches the filter, newest first: an order whose re-run has
 * completed is not listed as failed. Reads page by page, only as far as it is iterated.
 *
 * @param limit about how many are wanted: no page is larger
 */
export async function* listOrders(
  place: OrderNamespace,
  filter: OrderFilter,
  limit = Number.POSITIVE_INFINITY,
): AsyncGenerator<OrderRun, void, undefined> {
  const pageSize = Math.min(limit, MAX_PAGE_SIZE);
  for await (const page of listRuns(place, orderQuery(place.workflowIdPrefix, filter), pageSize)) {
    const latest = await latestRuns(place, page);
    for (const run of page) if (latest.get(run.workflowId)?.runId === run.runId) yield run;
  }
}

/** The server's own limit is 1,000. */
const MAX_PAGE_SIZE = 500;

/** Lists the runs under the prefix that match the query, newest first, page by page. */
async function* listRuns(
  { client, workflowIdPrefix }: OrderNamespace,
  query: string,
  pageSize = MAX_PAGE_SIZE,
): AsyncGenerator<readonly OrderRun[], void, undefined> {
  const { namespace } = client.options;
  let nextPageToken: Uint8Array = new Uint8Array();
  do {
    const request = { namespace, query, pageSize, nextPageToken };
    const page = await callWithRetry(client, () =>
      client.workflowService.listWorkflowExecutions(request),
    );
    // The server may find more: STARTS_WITH ignores case on SQLite.
    const runs = await Promise.all(
      page.executions.map((info) => toOrderRun(client, info, workflowIdPrefix)),
    );
    yield runs.filter(({ workflowId }) => workflowId.startsWith(workflowIdPrefix));
    nextPageToken = page.nextPageToken;
  } while (nextPageToken.length > 0);
}

/** Up to this many workflows, describing each is faster than one query for all of them. */
const MAX_DESCRIBED = 64;
const CALLS_AT_ONCE = 64;

/** The latest run of each of these workflows. */
async function latestRuns(
  place: OrderNamespace,
  runs: readonly OrderRun[],
): Promise<ReadonlyMap<string, OrderRun>> {
  const latest = new Map<string, OrderRun>();
  const add = (run: OrderRun) => {
    const known = latest.get(run.workflowId);
    if (!known || run.startedAt > known.startedAt) latest.set(run.workflowId, run);
  };
  // A workflow has no later run while one is running.
  for (const run of runs) if (run.status === 'running') add(run);
  const closed = runs.filter(({ workflowId }) => !latest.has(workflowId));
  const workflowIds = new Set(closed.map(({ workflowId }) => workflowId));
  const isQueried = ({ workflowId }: OrderRun) =>
    workflowIds.size > MAX_DESCRIBED && isExpressible(workflowId);
  const ids = [...new Set(closed.filter(isQueried).map(({ workflowId }) => quoted(workflowId)))];
  if (ids.length > 0) {
    for await (const page of listRuns(place, ofWorkflows(`WorkflowId IN (${ids.join(', ')})`))) {
      page.forEach(add);
    }
  }
  const rest = closed.filter((run) => !isQueried(run)).map(({ workflowId }) => workflowId);
  const described = await pMap(new Set(rest), (workflowId) => describeRun(place, workflowId), {
    concurrency: CALLS_AT_ONCE,
  });
  for (const run of described) if (run) add(run);
  // Those not found have just passed their retention.
  for (const run of closed) if (!latest.has(run.workflowId)) add(run);
  return latest;
}

/**
 * Lists all runs of one order, newest first. The latest run is added to those that Temporal lists:
 * its visibility may be behind.
 */
export async function runsOf(
  place: OrderNamespace,
  latest: OrderRun,
): Promise<readonly OrderRun[]> {
  const runs = [latest];
  const query = queryForRuns(latest);
  if (query === undefined) return runs;
  for await (const page of listRuns(place, query)) {
    runs.push(
      ...page.filter(
        ({ workflowId, runId }) => workflowId === latest.workflowId && runId !== latest.runId,
      ),
    );
  }
  return runs.sort((a, b) => b.startedAt - a.startedAt);
}

/**
 * Lets the server find workflows by their IDs. To a query without a division it adds one, and SQLite then uses
 * the index of divisions: it would read every workflow of the namespace.
 */
export const ofWorkflows = (condition: string): string =>
  `${condition} AND (TemporalNamespaceDivision IS NULL OR TemporalNamespaceDivision = '')`;

/**
 * A query that finds all runs of the workflow, and possibly others. If a query cannot express the
 * workflow ID, the runs are found by the position of their message in Kafka, which they have in common;
 * undefined when that is unknown, because the workflow was started by hand.
 */
function queryForRuns({ workflowId, source }: OrderRun): string | undefined {
  if (isExpressible(workflowId)) return ofWorkflows(`WorkflowId = ${quoted(workflowId)}`);
  const { topic, partition, offset } = source;
  if (topic === undefined || partition === undefined || offset === undefined) return undefined;
  if (!isExpressible(topic)) return undefined;
  return [
    `${SOURCE_TOPIC.name} = ${quoted(topic)}`,
    `${SOURCE_PARTITION.name} = ${partition}`,
    `${SOURCE_OFFSET.name} = ${offset}`,
  ].join(' AND ');
}
