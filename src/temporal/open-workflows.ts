import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { INGEST_ORDER } from '../contract/ingest-workflow.ts';
import { quoted, startsWith } from './visibility-query.ts';

const COUNT_TIMEOUT_MS = 3000;

const { HistoryEventFilterType } = proto.temporal.api.enums.v1;

/** Resolves when the run has closed; rejects with the signal's reason. */
export async function untilClosed(
  client: Client,
  run: { readonly workflowId: string; readonly runId: string },
  signal: AbortSignal,
): Promise<void> {
  const request = {
    namespace: client.options.namespace,
    execution: run,
    waitNewEvent: true,
    historyEventFilterType: HistoryEventFilterType.HISTORY_EVENT_FILTER_TYPE_CLOSE_EVENT,
  };
  await client.connection.withAbortSignal(signal, async () => {
    let nextPageToken: Uint8Array = new Uint8Array();
    for (;;) {
      signal.throwIfAborted();
      const { history, ...page } = await client.workflowService.getWorkflowExecutionHistory({
        ...request,
        nextPageToken,
      });
      if (history?.events?.length) return;
      // The server answers a long poll with nothing after some 20 s.
      nextPageToken = page.nextPageToken;
    }
  });
}

/**
 * How many orders are open under this prefix of workflow IDs. Temporal's visibility may be a second
 * or more behind. More are counted for a prefix that a query cannot express in full.
 */
export async function countOpenOrders(client: Client, workflowIdPrefix: string): Promise<number> {
  const query = [
    `WorkflowType = ${quoted(INGEST_ORDER)}`,
    "ExecutionStatus = 'Running'",
    ...startsWith('WorkflowId', workflowIdPrefix),
  ].join(' AND ');
  const { count } = await client.connection.withDeadline(Date.now() + COUNT_TIMEOUT_MS, () =>
    client.workflowService.countWorkflowExecutions({ namespace: client.options.namespace, query }),
  );
  return Number(count);
}
