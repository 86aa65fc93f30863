import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { WorkflowRun } from '../contract/ids.ts';
import { orderQuery } from './order-visibility.ts';
import { quoted } from './visibility-query.ts';

const COUNT_TIMEOUT_MS = 3000;
/** How far this machine's clock may be behind the server's before open orders are not counted. */
const CLOCK_DIFFERENCE_MS = 5000;

const { HistoryEventFilterType } = proto.temporal.api.enums.v1;

/** Resolves when the run has closed; rejects with the signal's reason. */
export async function untilClosed(
  client: Client,
  run: WorkflowRun,
  signal: AbortSignal,
): Promise<void> {
  const request = {
    namespace: client.options.namespace,
    execution: run,
    waitNewEvent: true,
    historyEventFilterType: HistoryEventFilterType.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
  };
  let nextPageToken: Uint8Array = new Uint8Array();
  for (;;) {
    const { history, ...page } = await withOwnSignal(signal, (ownSignal) =>
      client.connection.withAbortSignal(ownSignal, () =>
        client.workflowService.getWorkflowExecutionHistory({ ...request, nextPageToken }),
      ),
    );
    if (history?.events?.length) return;
    // The server ends a long poll without an event after about 20 s.
    nextPageToken = page.nextPageToken;
  }
}

/**
 * Makes a call with a signal that is released with it and aborted with the given one. The client never removes what
 * it adds to the signal of a call, so that a signal that is used for many calls would keep them all in memory.
 */
async function withOwnSignal<Result>(
  signal: AbortSignal,
  call: (ownSignal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  signal.throwIfAborted();
  const own = new AbortController();
  const abort = () => {
    own.abort(signal.reason);
  };
  signal.addEventListener('abort', abort);
  try {
    return await call(own.signal);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/**
 * Counts the running workflows under the prefix, without those that wait for their start delay, in one
 * attempt. Temporal's visibility may be a second or more behind. If a query cannot express the whole prefix, the
 * count may be too high.
 *
 * @param dueBy Only those that were due by then, by the server's clock. Default: now.
 */
export async function countOpenOrders(
  client: Client,
  workflowIdPrefix: string,
  dueBy = new Date(Date.now() + CLOCK_DIFFERENCE_MS),
): Promise<number> {
  const { namespace } = client.options;
  const query = orderQuery(workflowIdPrefix, {
    statuses: ['running'],
    query: `ExecutionTime <= ${quoted(dueBy.toISOString())}`,
  });
  const { count } = await client.connection.withDeadline(Date.now() + COUNT_TIMEOUT_MS, () =>
    client.workflowService.countWorkflowExecutions({ namespace, query }),
  );
  return Number(count);
}
