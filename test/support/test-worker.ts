import path from 'node:path';
import type { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker, type WorkflowBundleOption } from '@temporalio/worker';
import { createActivities } from '../../src/activities/order-activities.ts';
import { workflowId } from '../../src/contract/ids.ts';
import { INGEST_ORDER, type IngestOrderResult } from '../../src/contract/ingest-workflow.ts';
import type { OrderMessage } from '../../src/contract/message.ts';
import { orderModule } from '../../src/order/order-module.ts';
import type { OrderStore } from '../../src/worker/order-store.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { identifyOrder } from './built-in-order.ts';
import { uniqueName } from './stack.ts';

/** The bundle of workflows in dist/, built by global-setup.mjs. */
export const WORKFLOW_BUNDLE = {
  codePath: path.join(import.meta.dirname, '../../dist/workflow-bundle.js'),
};

export function quietTemporalRuntime(): void {
  const filter = { core: 'ERROR', other: 'ERROR' } as const;
  Runtime.install({
    logger: new DefaultLogger('ERROR'),
    telemetryOptions: { logging: { filter } },
  });
}

/**
 * Runs `work` while a worker with this store polls its own task queue.
 *
 * @param workflowBundle another than that in dist/
 */
export async function withWorker<Result>(
  { client, nativeConnection, namespace }: TestWorkflowEnvironment,
  orderStore: OrderStore,
  work: (start: (message: OrderMessage) => ReturnType<typeof startOne>) => Promise<Result>,
  workflowBundle: WorkflowBundleOption = WORKFLOW_BUNDLE,
): Promise<Result> {
  const taskQueue = uniqueName('queue');
  const worker = await Worker.create({
    connection: nativeConnection,
    ...(namespace === undefined ? {} : { namespace }),
    taskQueue,
    workflowBundle,
    activities: createActivities({
      orderModule,
      orderStore,
      // Not that of `startOne`, which differs with each start.
      workflowIdPrefix: 'order:',
      logger: silentLogger(),
      onOutcome: () => undefined,
      onAttempt: () => undefined,
      untilDatabaseAvailable: () => Promise.resolve('available'),
    }),
  });
  return worker.runUntil(() => work((message) => startOne(client, taskQueue, message)));
}

const startOne = (
  client: TestWorkflowEnvironment['client'],
  taskQueue: string,
  message: OrderMessage,
) =>
  client.workflow.start<(message: OrderMessage) => Promise<IngestOrderResult>>(INGEST_ORDER, {
    taskQueue,
    // A new workflow for each start, also of the same order.
    workflowId: workflowId(`${uniqueName('order')}:`, identifyOrder(message.text).orderId),
    args: [message],
  });
