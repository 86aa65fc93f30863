import { NativeConnection, Worker } from '@temporalio/worker';
import type { Pool } from 'pg';
import { createActivities } from '../activities/create-activities.ts';
import { readSettings, type Environment, type Settings } from '../config/read-settings.ts';
import { WORKER_ROLE } from '../config/roles.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import { createDatabasePool } from '../storage/database-pool.ts';
import { checkSchema } from '../storage/migrate.ts';
import { createPostgresOrderStore } from '../storage/postgres-order-store.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import { installTemporalRuntime } from '../telemetry/temporal-runtime.ts';
import { connectTemporal } from '../temporal/connect.ts';
import { temporalTarget, type TemporalTarget } from '../temporal/connection-options.ts';
import type { ShutdownSignals } from '../program/shutdown-signals.ts';
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

  const pool = createDatabasePool({
    ...settings.database,
    maxConnections: poolSize(settings.worker),
    onIdleError: (error) => {
      logger.warn(
        { event: 'database_connection_lost', error: describeError(error) },
        'idle connection lost',
      );
    },
  });
  try {
    await checkDatabase(pool);
    // The worker's own connection says too little about why it cannot connect.
    await (await connectTemporal(target)).connection.close();
    await runUntilStopped({ settings, target, deployment, pool, logger }, signals);
  } finally {
    await pool.end();
  }
}

interface WorkerContext {
  readonly settings: Settings<typeof WORKER_ROLE>;
  readonly target: TemporalTarget;
  readonly deployment: ReturnType<typeof deploymentOptions>;
  readonly pool: Pool;
  readonly logger: Logger;
}

async function runUntilStopped(
  { settings, target, deployment, pool, logger }: WorkerContext,
  signals: ShutdownSignals,
): Promise<void> {
  const { namespace, ...connectionOptions } = target;
  const runtime = installTemporalRuntime(logger);
  try {
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
      const stopListening = signals.onFirst((signal) => {
        logger.info({ event: 'shutdown_signal_received', signal }, 'shutting down');
        worker.shutdown();
      });
      const started = { namespace, ...settings.temporal, poolSize: poolSize(settings.worker) };
      logger.info({ event: 'worker_started', ...started }, 'the worker waits for orders');
      await worker.run().finally(stopListening);
      logger.info({ event: 'worker_stopped' }, 'the worker has stopped');
    } finally {
      await connection.close();
    }
  } finally {
    // It would keep the process alive.
    await runtime.shutdown();
  }
}

async function checkDatabase(pool: Pool): Promise<void> {
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
