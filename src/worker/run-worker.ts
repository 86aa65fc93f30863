import { NativeConnection, Worker } from '@temporalio/worker';
import type { Pool } from 'pg';
import { createActivities } from '../activities/create-activities.ts';
import { readSettings, type Environment, type Settings } from '../config/read-settings.ts';
import { WORKER_ROLE } from '../config/roles.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import { createDatabasePool } from '../storage/database-pool.ts';
import { checkSchema } from '../storage/migrate.ts';
import { createPostgresOrderStore } from '../storage/postgres-order-store.ts';
import { startHttpEndpoint } from '../telemetry/http-endpoint.ts';
import { createLogger, type Logger } from '../telemetry/logger.ts';
import { createOutageReport } from '../telemetry/outage-report.ts';
import { createReadiness, type Readiness } from '../telemetry/readiness.ts';
import { freeLocalAddress, readSdkMetrics } from '../telemetry/sdk-metrics.ts';
import { installTemporalRuntime } from '../telemetry/temporal-runtime.ts';
import { watchDependency } from '../telemetry/watch-dependency.ts';
import { startTracing, type Tracing } from '../telemetry/tracing.ts';
import { connectTemporal } from '../temporal/connect.ts';
import { checkSearchAttributes } from '../temporal/search-attributes.ts';
import { temporalTarget, type TemporalTarget } from '../temporal/connection-options.ts';
import type { ShutdownSignals } from '../program/shutdown-signals.ts';
import { concurrencyOptions, deploymentOptions, poolSize } from './worker-options.ts';
import { createWorkerMetrics } from './worker-metrics.ts';
import { workflowCode } from './workflow-code.ts';
import { workflowTracing } from './workflow-tracing.ts';

/**
 * Runs a worker until the first shutdown signal: it then takes no more work, finishes what it has
 * and closes its connections. Throws an OperatorError when it cannot start.
 */
export async function runWorker(env: Environment, signals: ShutdownSignals): Promise<void> {
  const settings = readSettings(WORKER_ROLE, env);
  const target = temporalTarget(env);
  const deployment = deploymentOptions(settings.worker);
  const logger = createLogger({ ...settings.logging, service: 'worker' });
  const tracing = await startTracing(env, 'order-ingest-worker');

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
    const client = await connectTemporal(target);
    await checkSearchAttributes(client).finally(() => client.connection.close());
    await runUntilStopped({ settings, target, deployment, pool, logger, tracing }, signals);
  } finally {
    await pool.end();
    await tracing?.stop();
  }
}

interface WorkerContext {
  readonly settings: Settings<typeof WORKER_ROLE>;
  readonly target: TemporalTarget;
  readonly deployment: ReturnType<typeof deploymentOptions>;
  readonly pool: Pool;
  readonly logger: Logger;
  readonly tracing: Tracing | undefined;
}

async function runUntilStopped(
  { settings, target, deployment, pool, logger, tracing }: WorkerContext,
  signals: ShutdownSignals,
): Promise<void> {
  const { namespace, ...connectionOptions } = target;
  const sdkMetrics = await freeLocalAddress();
  const runtime = installTemporalRuntime(logger, sdkMetrics);
  try {
    const connection = await NativeConnection.connect(connectionOptions);
    try {
      const readiness = createReadiness();
      const metrics = createWorkerMetrics(pool, readiness);
      const worker = await Worker.create({
        connection,
        namespace,
        taskQueue: settings.temporal.taskQueue,
        activities: createActivities({
          orderStore: createPostgresOrderStore(pool),
          logger,
          onEnding: metrics.ended,
          onAttempt: metrics.attempted,
        }),
        ...workflowCode({ traced: tracing !== undefined }),
        ...(tracing && (await workflowTracing(tracing))),
        ...concurrencyOptions(settings.worker),
        ...deployment,
      });
      const { httpHost: host, httpPort } = settings.worker;
      const endpoint = await startHttpEndpoint({
        host,
        port: httpPort,
        portSetting: 'WORKER_HTTP_PORT',
        readiness,
        stuck: () => stuckReasons(worker),
        metrics: {
          contentType: metrics.registry.contentType,
          metrics: async () =>
            `${await metrics.registry.metrics()}${await readSdkMetrics(sdkMetrics)}`,
        },
      });
      logger.info(
        { event: 'http_listening', host, port: endpoint.port },
        'serving health and metrics',
      );
      const stopWatching = watchServers({ connection, pool, readiness, logger });
      const stopListening = signals.onFirst((signal) => {
        logger.info({ event: 'shutdown_signal_received', signal }, 'shutting down');
        readiness.report('shutdown', 'the worker is shutting down');
        worker.shutdown();
      });
      const started = { namespace, ...settings.temporal, poolSize: poolSize(settings.worker) };
      logger.info({ event: 'worker_started', ...started }, 'the worker waits for orders');
      await worker.run().finally(async () => {
        stopListening();
        stopWatching();
        await endpoint.close();
      });
      logger.info({ event: 'worker_stopped' }, 'the worker has stopped');
    } finally {
      await connection.close();
    }
  } finally {
    // It would keep the process alive.
    await runtime.shutdown();
  }
}

/** Not ready while Temporal or Postgres does not answer. Answers with how to stop watching. */
function watchServers(parts: {
  readonly connection: NativeConnection;
  readonly pool: Pool;
  readonly readiness: Readiness;
  readonly logger: Logger;
}): () => void {
  const { connection, pool } = parts;
  const stops = [
    watchDependency(
      () =>
        connection.withDeadline(Date.now() + ASK_TIMEOUT_MS, () =>
          connection.workflowService.getSystemInfo({}),
        ),
      createOutageReport('Temporal', parts),
    ),
    watchDependency(() => pool.query('SELECT'), createOutageReport('Postgres', parts)),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}

const ASK_TIMEOUT_MS = 3000;

/** A worker that no longer runs does nothing more until the process is started anew. */
function stuckReasons(worker: Worker): Readonly<Record<string, string>> {
  const state = worker.getState();
  return state === 'FAILED' || state === 'STOPPED' ? { worker: `the worker is ${state}` } : {};
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
