import { NativeConnection, Worker } from '@temporalio/worker';
import type { Pool } from 'pg';
import { createActivities } from '../activities/order-activities.ts';
import { readSettings, type Environment, type Settings } from '../config/read-settings.ts';
import { WORKER_ROLE } from '../config/roles.ts';
import { databaseTimeoutMistakes } from '../config/timeouts.ts';
import { describeError } from '../program/operator-error.ts';
import {
  createShutdownLimit,
  type ShutdownLimit,
  type ShutdownSignals,
} from '../program/shutdown-signals.ts';
import { surviveUnexpectedErrors } from '../program/exit.ts';
import { ORDER_SCHEMA } from '../order/sql/schema.ts';
import { checkRights } from '../postgres/rights.ts';
import { databaseError } from '../postgres/database-error.ts';
import { createDatabasePool } from '../postgres/database-pool.ts';
import { checkSchema } from '../postgres/schema.ts';
import { checkWritable } from '../postgres/check-writable.ts';
import { createPostgresOrderStore } from '../order/sql/postgres-order-store.ts';
import { startHttpEndpoint } from '../telemetry/http-endpoint.ts';
import { createLogger, unexpectedErrorLog, type Logger } from '../telemetry/logger.ts';
import { DependencyHealth, probeDependency } from '../telemetry/health/dependency-health.ts';
import { createHealth, type Conditions } from '../telemetry/health/health.ts';
import { freeLocalAddress, readSdkMetrics, installTemporalRuntime } from './temporal-runtime.ts';
import { startTracing, type Tracing } from '../telemetry/tracing.ts';
import { connectTemporal, temporalTarget, type TemporalTarget } from '../temporal/connect.ts';
import { readQueueWorkers, routingProblem, type QueueWorkers } from '../temporal/queue-workers.ts';
import { checkSearchAttributes } from '../temporal/search-attributes.ts';
import { isThrottled, temporalFailed } from '../temporal/temporal-error.ts';
import {
  concurrencyOptions,
  deploymentOptions,
  poolSize,
  STORE_ATTEMPT_MS,
} from './worker-options.ts';
import { supervisionTimings, superviseWorker, type SupervisedWorker } from './supervise-worker.ts';
import { createWorkerMetrics, type WorkerMetrics } from './worker-metrics.ts';
import { watchRouting } from './watch-routing.ts';
import { workflowCode, workflowTracing } from './workflow-code.ts';

/**
 * Runs a worker until the first shutdown signal: it then takes no more work, finishes what it has
 * and closes its connections. Throws an OperatorError when it cannot start.
 */
export async function runWorker(env: Environment, signals: ShutdownSignals): Promise<void> {
  const settings = readSettings(WORKER_ROLE, env, ({ database }) =>
    databaseTimeoutMistakes(database, STORE_ATTEMPT_MS),
  );
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
  surviveUnexpectedErrors(unexpectedErrorLog(logger));
  const closing = createShutdownLimit(settings.worker.shutdownGraceMs + CLOSING_MS, () => {
    logger.warn(
      { event: 'shutdown_incomplete' },
      'a server did not answer in time; Temporal has other workers repeat what was in flight',
    );
  });
  try {
    await checkDatabase(pool);
    // The worker's own connection says too little about why it cannot connect.
    const client = await connectTemporal(target);
    await checkSearchAttributes(client)
      .catch((error: unknown) => {
        throw temporalFailed(target, error);
      })
      .finally(() => client.connection.close());
    const context = { settings, target, deployment, pool, logger, tracing, closing };
    await runUntilStopped(context, signals);
  } finally {
    closing.begin(1);
    await Promise.all([pool.end(), tracing?.stop()]);
    closing.lift();
  }
}

/** What closing may take beyond the grace; compose's `stop_grace_period` is above both together. */
const CLOSING_MS = 5000;

interface WorkerContext {
  readonly settings: Settings<typeof WORKER_ROLE>;
  readonly target: TemporalTarget;
  readonly deployment: ReturnType<typeof deploymentOptions>;
  readonly pool: Pool;
  readonly logger: Logger;
  readonly tracing: Tracing | undefined;
  readonly closing: ShutdownLimit;
}

async function runUntilStopped(context: WorkerContext, signals: ShutdownSignals): Promise<void> {
  const { settings, pool, logger } = context;
  const sdkMetrics = await freeLocalAddress();
  const runtime = installTemporalRuntime(logger, sdkMetrics);
  try {
    const health = createHealth();
    const metrics = createWorkerMetrics(pool, health.readiness);
    const create = await workerCreator(context, metrics);
    const { httpHost: host, httpPort } = settings.worker;
    // Before the worker, which the SDK can release only after it has run.
    const endpoint = await startHttpEndpoint({
      host,
      port: httpPort,
      portSetting: 'WORKER_HTTP_PORT',
      // Without a check of liveness: a failed worker is replaced, so that a restart never helps.
      health,
      logger,
      metrics: {
        contentType: metrics.registry.contentType,
        metrics: async () =>
          `${await metrics.registry.metrics()}${await readSdkMetrics(sdkMetrics)}`,
      },
    });
    try {
      logger.info(
        { event: 'http_listening', host, port: endpoint.port },
        'serving health and metrics',
      );
      await superviseUntilStopped(create, context, health.readiness, signals);
      logger.info({ event: 'worker_stopped' }, 'the worker has stopped');
    } finally {
      await endpoint.close();
    }
  } finally {
    // It would keep the process alive.
    await runtime.shutdown();
  }
}

async function superviseUntilStopped(
  create: () => Promise<TemporalWorker>,
  { settings, target, pool, logger, closing }: WorkerContext,
  readiness: Conditions,
  signals: ShutdownSignals,
): Promise<void> {
  const stopping = new AbortController();
  const stopListening = signals.onFirst((signal) => {
    logger.info({ event: 'shutdown_signal_received', signal }, 'shutting down');
    readiness.fail('shutdown', 'the worker is shutting down');
    closing.begin(0);
    stopping.abort();
  });
  const temporal = new DependencyHealth('Temporal', { readiness, logger, isThrottled });
  const first = await create().catch((error: unknown) => {
    throw temporalFailed(target, error);
  });
  const started = {
    namespace: target.namespace,
    ...settings.temporal,
    poolSize: poolSize(settings.worker),
  };
  logger.info({ event: 'worker_started', ...started }, 'the worker waits for orders');
  const supervision = superviseWorker(first, {
    create: async () => {
      // This says better than the SDK's own connection why it cannot connect.
      const { connection } = await connectTemporal(target);
      await connection.close();
      return create();
    },
    stopping: stopping.signal,
    logger,
    readiness,
    onCreateFailed: (error) => {
      temporal.callFailed(error);
    },
    timings: supervisionTimings(settings.worker.shutdownGraceMs),
  });
  const stopWatching = [
    probeDependency(() => supervision.current()?.ping(), temporal),
    probeDependency(
      () => checkWritable(pool, ORDER_SCHEMA.tables),
      new DependencyHealth('Postgres', { readiness, logger }),
    ),
    watchRouting(async () => {
      const { taskQueue } = settings.temporal;
      const workers = await supervision.current()?.queueWorkers(taskQueue);
      return workers && routingProblem(workers, taskQueue);
    }, logger),
  ];
  try {
    await supervision.ended;
  } finally {
    stopListening();
    for (const stop of stopWatching) stop();
    // A worker that has not stopped in time holds it, and ends with the process.
    await supervision
      .current()
      ?.close()
      .catch((error: unknown) => {
        logger.warn(
          { event: 'worker_not_released', error: describeError(error) },
          'the connection of the worker stays open until the process ends',
        );
      });
  }
}

/** Creates workers that differ in their connection only. */
async function workerCreator(
  { settings, target, deployment, pool, logger, tracing }: WorkerContext,
  metrics: WorkerMetrics,
): Promise<() => Promise<TemporalWorker>> {
  const { namespace, ...connectionOptions } = target;
  const options = {
    namespace,
    taskQueue: settings.temporal.taskQueue,
    activities: createActivities({
      orderStore: createPostgresOrderStore(pool),
      logger,
      onOutcome: metrics.ended,
      onAttempt: metrics.attempted,
    }),
    ...workflowCode({ traced: tracing !== undefined }),
    ...(tracing && (await workflowTracing(tracing))),
    ...concurrencyOptions(settings.worker),
    ...deployment,
  };
  return async () => {
    const connection = await NativeConnection.connect(connectionOptions);
    try {
      return supervised(await Worker.create({ ...options, connection }), connection, namespace);
    } catch (error) {
      await connection.close();
      throw error;
    }
  };
}

interface TemporalWorker extends SupervisedWorker {
  /** Rejects while Temporal does not answer. */
  ping(): Promise<unknown>;
  queueWorkers(taskQueue: string): Promise<QueueWorkers>;
}

const supervised = (
  worker: Worker,
  connection: NativeConnection,
  namespace: string,
): TemporalWorker => ({
  run: () => worker.run(),
  failure() {
    const state = worker.getState();
    return state === 'FAILED'
      ? 'the SDK has ended it, see its log line "Worker failed"'
      : undefined;
  },
  shutdown() {
    if (worker.getState() === 'RUNNING') worker.shutdown();
  },
  close: () => connection.close(),
  ping: () =>
    connection.withDeadline(Date.now() + ASK_TIMEOUT_MS, () =>
      connection.workflowService.getSystemInfo({}),
    ),
  queueWorkers: (taskQueue) =>
    connection.withDeadline(Date.now() + ASK_TIMEOUT_MS, () =>
      readQueueWorkers(connection.workflowService, { namespace, taskQueue }),
    ),
});

const ASK_TIMEOUT_MS = 3000;

async function checkDatabase(pool: Pool): Promise<void> {
  try {
    await checkSchema(pool, ORDER_SCHEMA);
    await checkRights(pool, ORDER_SCHEMA.tables, ['SELECT', 'INSERT']);
  } catch (error) {
    throw databaseError('Postgres cannot be used', error);
  }
}
