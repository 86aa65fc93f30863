import pMap from 'p-map';
import { callWithRetry } from './call-with-retry.ts';
import { isExpressible, quoted } from './visibility-query.ts';
import { findOrder } from '../operate/orders/find-order.ts';
import type { OrderNamespace } from '../operate/orders/open-orders.ts';
import { orderQuery, type OrderFilter } from '../operate/orders/order-query.ts';
import { orderRun, type OrderRun } from './order-workflow.ts';

/**
 * The orders whose latest run the filter takes, the newest first; one that has failed and was run
 * again with success is no failed order any more. Reads a page at a time, and only as far as it is
 * iterated.
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

/**
 * How many runs the filter takes; an order that was run again counts once for each. With a prefix that
 * a query cannot express in full, runs under other prefixes that begin alike count too.
 */
export async function countRuns(
  { client, workflowIdPrefix }: OrderNamespace,
  filter: OrderFilter,
): Promise<number> {
  const { namespace } = client.options;
  const query = orderQuery(workflowIdPrefix, filter);
  const { count } = await callWithRetry(client, () =>
    client.workflowService.countWorkflowExecutions({ namespace, query }),
  );
  return Number(count);
}

/** The server's own limit is 1,000. */
const MAX_PAGE_SIZE = 500;

/** Every run of an order that the query takes, the newest first, a page at a time. */
export async function* listRuns(
  { client, workflowIdPrefix }: OrderNamespace,
  query: string,
  pageSize = MAX_PAGE_SIZE,
): AsyncGenerator<readonly OrderRun[], void, undefined> {
  const { namespace } = client.options;
  let token: Uint8Array = new Uint8Array();
  do {
    const request = { namespace, query, pageSize, nextPageToken: token };
    const page = await callWithRetry(client, () =>
      client.workflowService.listWorkflowExecutions(request),
    );
    // A server may find more: SQLite's prefixes ignore case.
    yield page.executions
      .map((info) => orderRun(info, workflowIdPrefix))
      .filter(({ workflowId }) => workflowId.startsWith(workflowIdPrefix));
    token = page.nextPageToken;
  } while (token.length > 0);
}

/** Up to here asking for each workflow is quicker than a query for all of them. */
const FEW = 64;
const CALLS_AT_ONCE = 64;

/** The newest run of each of these workflows. */
async function latestRuns(
  place: OrderNamespace,
  runs: readonly OrderRun[],
): Promise<ReadonlyMap<string, OrderRun>> {
  const latest = new Map<string, OrderRun>();
  const note = (run: OrderRun) => {
    const known = latest.get(run.workflowId);
    if (!known || run.startedAt > known.startedAt) latest.set(run.workflowId, run);
  };
  // Nothing follows a run before it has ended.
  for (const run of runs) if (run.status === 'running') note(run);
  const ended = runs.filter(({ workflowId }) => !latest.has(workflowId));
  const orderIds = [...new Set(ended.map(({ orderId }) => orderId))];
  const isQueried = ({ workflowId }: { readonly workflowId: string }) =>
    orderIds.length > FEW && isExpressible(workflowId);
  const ids = [...new Set(ended.filter(isQueried).map(({ workflowId }) => quoted(workflowId)))];
  if (ids.length > 0) {
    for await (const page of listRuns(place, `WorkflowId IN (${ids.join(', ')})`)) {
      page.forEach(note);
    }
  }
  const asked = [...new Set(ended.filter((run) => !isQueried(run)).map(({ orderId }) => orderId))];
  const found = await pMap(asked, (orderId) => findOrder(place, orderId), {
    concurrency: CALLS_AT_ONCE,
  });
  for (const run of found) if (run) note(run);
  // Temporal's retention has passed just now for those that it did not find.
  for (const run of ended) if (!latest.has(run.workflowId)) note(run);
  return latest;
}
