import path from 'node:path';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { createActivities } from '../../src/activities/order-activities.ts';
import { createDatabasePool } from '../../src/postgres/database-pool.ts';
import { postgresOrderStore } from '../../test/support/built-in-order.ts';
import { orderModule } from '../../src/order/order-module.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';
import { freeLocalAddress, readSdkMetrics } from '../../src/worker/temporal-runtime.ts';

/**
 * A plain SDK worker for `load-workflows.ts`, with as many slots as order-ingest's worker and, like it, without
 * compression. Prints every 200 ms how many workflows have completed. Ends on SIGTERM.
 */
const { TEMPORAL_ADDRESS, TEMPORAL_TASK_QUEUE, DATABASE_URL } = process.env;
if (!TEMPORAL_ADDRESS || !TEMPORAL_TASK_QUEUE || !DATABASE_URL)
  throw new Error('an address is missing from the environment');

const metricsAddress = await freeLocalAddress();
Runtime.install({
  logger: new DefaultLogger('ERROR'),
  telemetryOptions: { metrics: { prometheus: { bindAddress: metricsAddress } } },
});
const ACTIVITY_SLOTS = 24;
const pool = createDatabasePool({
  url: DATABASE_URL,
  connectTimeoutMs: 5000,
  statementTimeoutMs: 30_000,
  maxConnections: ACTIVITY_SLOTS,
  onIdleError: () => undefined,
});
const worker = await Worker.create({
  connection: await NativeConnection.connect({
    address: TEMPORAL_ADDRESS,
    grpcCompression: { codec: 'none' },
  }),
  taskQueue: TEMPORAL_TASK_QUEUE,
  workflowBundle: await bundleWorkflowCode({
    workflowsPath: path.join(import.meta.dirname, 'load-workflows.ts'),
    logger: new DefaultLogger('ERROR'),
  }),
  activities: createActivities({
    orderModule,
    orderStore: postgresOrderStore(pool),
    workflowIdPrefix: 'order:',
    logger: silentLogger(),
    onOutcome: () => undefined,
    onAttempt: () => undefined,
    untilDatabaseAvailable: () => Promise.resolve('available'),
  }),
  maxConcurrentActivityTaskExecutions: ACTIVITY_SLOTS,
  maxConcurrentWorkflowTaskExecutions: 40,
  maxCachedWorkflows: 1000,
});
/** Reads the SDK's own counter, which adds no work to the workflows. */
async function reportCompleted(): Promise<void> {
  const metrics = await readSdkMetrics(metricsAddress);
  console.log(/^temporal_workflow_completed\{[^}]*\} (\d+)/m.exec(metrics)?.[1] ?? 0);
}
const progress = setInterval(() => void reportCompleted(), 200);
await worker.run();
clearInterval(progress);
await pool.end();
