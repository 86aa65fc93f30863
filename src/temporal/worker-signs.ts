import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';

const CALL_TIMEOUT_MS = 3000;
/** A worker's poll lasts a minute at the most; one that has not polled since is gone, or full. */
const POLLED_WITHIN_MS = 75_000;

const { EventType, TaskQueueType } = proto.temporal.api.enums.v1;

/** Resolves when a worker has taken the run's first task; rejects with the signal's reason. */
export async function untilTaken(
  client: Client,
  run: { readonly workflowId: string; readonly runId: string },
  signal: AbortSignal,
): Promise<void> {
  const request = {
    namespace: client.options.namespace,
    execution: run,
    waitNewEvent: true,
  };
  await client.connection.withAbortSignal(signal, async () => {
    let nextPageToken: Uint8Array = new Uint8Array();
    do {
      signal.throwIfAborted();
      const answer = await client.workflowService.getWorkflowExecutionHistory({
        ...request,
        nextPageToken,
      });
      if (answer.history?.events?.some(({ eventType }) => eventType === TASK_STARTED)) return;
      nextPageToken = answer.nextPageToken;
    } while (nextPageToken.length > 0);
  });
}

const TASK_STARTED = EventType.EVENT_TYPE_WORKFLOW_TASK_STARTED;

/** Whether a worker has lately asked for the queue's workflow tasks. */
export async function hasWorkers(client: Client, taskQueue: string): Promise<boolean> {
  const { pollers } = await client.connection.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
    client.workflowService.describeTaskQueue({
      namespace: client.options.namespace,
      taskQueue: { name: taskQueue },
      taskQueueType: TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW,
    }),
  );
  const since = Date.now() / 1000 - POLLED_WITHIN_MS / 1000;
  return pollers.some(({ lastAccessTime }) => Number(lastAccessTime?.seconds ?? 0) >= since);
}
