import { NativeConnection, Worker } from '@temporalio/worker';
import { createActivities } from '../activities/create-activities.ts';
import type { Environment } from '../config/read-settings.ts';
import { readSettings } from '../config/read-settings.ts';
import { WORKER_ROLE } from '../config/roles.ts';
import { describeError, OperatorError } from '../operator-error.ts';
import { createDatabasePool } from '../storage/database-pool.ts';
import { checkSchema } from '../storage/migrate.ts';
import { createPostgresOrderStore } from '../storage/postgres-order-store.ts';
import { createLogger } from '../telemetry/logger.ts';
import { installTemporalRuntime } from '../telemetry/temporal-runtime.ts';
import { connectTemporal } from '../temporal/connect.ts';
import { temporalTarget } from '../temporal/connection-options.ts';
import type { ShutdownSignals } from '../shutdown-signals.ts';
import { concurrencyOptions, deploymentOptions, poolSize } from './worker-options.ts';
import { workflowCode } from './workflow-code.ts';

/**
 * Runs a worker until the first shutdown signal: it then takes no more work, finishes what it has
 * and closes its connections. Throws an OperatorError when it cannot start.
 */
export async function runWorker(env: Environment, signals: ShutdownSignals): Promise<void> {
  const settings = readSettings(WORKER_ROLE, env);
  const target = temporalTarget(env);
  const deployment = deploymentOptions(settings.worker);
  const logger = createLogger({ ...settings.logging, service: 'worker' });
  installTemporalRuntime(logger);

  const pool = createDatabasePool({
    ...settings.database,
    maxConnections: poolSize(settings.worker),
    onIdleError: (error) => {
      logger.warn({ event: 'database_connection_lost', error: describeError(error) }, 'idle connection lost');
    },
  });
  try {
    await checkDatabase(pool);
    // The worker's own connection says too little about why it cannot connect.
    await (await connectTemporal(target)).connection.close();
    const { namespace, ...connectionOptions } = target;
    const connection = await NativeConnection.connect(connectionOptions);
    try {
      const worker = await Worker.create({
        connection,
        namespace,
        taskQueue: settings.temporal.taskQueue,
        activities: createActivities({ orderStore: createPostgresOrderStore(pool), logger }),
        ...workflowCode(),
        ...concurrencyOptions(settings.worker),
        ...deployment,
      });
      const stop = signals.onFirst((signal) => {
        logger.info({ event: 'shutdown_signal_received', signal }, 'shutting down');
        worker.shutdown();
      });
      logger.info(
        { event: 'worker_started', namespace, ...settings.temporal, poolSize: poolSize(settings.worker) },
        'the worker waits for orders',
      );
      await worker.run().finally(stop);
      logger.info({ event: 'worker_stopped' }, 'the worker has stopped');
    } finally {
      await connection.close();
    }
  } finally {
    await pool.end();
  }
}

async function checkDatabase(pool: ReturnType<typeof createDatabasePool>): Promise<void> {
  try {
    await checkSchema(pool);
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(
      `Postgres cannot be used: ${describeError(error)}`,
      'check DATABASE_URL and that the server runs',
      { cause: error },
    );
  }
}
