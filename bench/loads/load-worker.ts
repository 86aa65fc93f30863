import path from 'node:path';
import {
  bundleWorkflowCode,
  DefaultLogger,
  NativeConnection,
  Runtime,
  Worker,
} from '@temporalio/worker';
import { createActivities } from '../../src/activities/create-activities.ts';
import { createDatabasePool } from '../../src/storage/database-pool.ts';
import { createPostgresOrderStore } from '../../src/storage/postgres-order-store.ts';
import { silentLogger } from '../../src/telemetry/logger.ts';

/**
 * A worker as the SDK makes it, with as many slots as ours, for the workflows beside this file.
 * Prints a line when it is ready, and ends on SIGTERM.
 */
const { TEMPORAL_ADDRESS, TEMPORAL_TASK_QUEUE, DATABASE_URL } = process.env;
if (!TEMPORAL_ADDRESS || !TEMPORAL_TASK_QUEUE || !DATABASE_URL) throw new Error('no addresses');

Runtime.install({ logger: new DefaultLogger('ERROR') });
const ACTIVITY_SLOTS = 24;
const pool = createDatabasePool({
  url: DATABASE_URL,
  connectTimeoutMs: 5000,
  statementTimeoutMs: 30_000,
  maxConnections: ACTIVITY_SLOTS,
  onIdleError: () => undefined,
});
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address: TEMPORAL_ADDRESS }),
  taskQueue: TEMPORAL_TASK_QUEUE,
  workflowBundle: await bundleWorkflowCode({
    workflowsPath: path.join(import.meta.dirname, 'load-workflows.ts'),
    logger: new DefaultLogger('ERROR'),
  }),
  activities: createActivities({
    orderStore: createPostgresOrderStore(pool),
    logger: silentLogger(),
    onEnding: () => undefined,
    onAttempt: () => undefined,
  }),
  maxConcurrentActivityTaskExecutions: ACTIVITY_SLOTS,
  maxConcurrentWorkflowTaskExecutions: 40,
  maxCachedWorkflows: 1000,
});
console.log('ready');
await worker.run();
await pool.end();
