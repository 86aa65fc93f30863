import type { Pool } from 'pg';
import { createActivities } from '../activities/order-activities.ts';
import { httpMistakes } from '../config/http-settings.ts';
import {
  readSettings,
  type Environment,
  type PartialSettings,
  type Settings,
} from '../config/read-settings.ts';
import { WORKER_ROLE } from '../config/roles.ts';
import { databaseTimeoutMistakes } from '../config/timeouts.ts';
import type { OrderModule } from '../contract/order-module.ts';
import { endpointOptions } from '../http/endpoint-options.ts';
import { startHealthEndpoint } from '../http/health-endpoint.ts';
import { loadWithOrigin } from '../order-module/load-order-module.ts';
import { checkWritable } from '../postgres/check-writable.ts';
import { databaseError } from '../postgres/database-error.ts';
import { createDatabasePool } from '../postgres/database-pool.ts';
import { checkPrivileges, WORKER_PRIVILEGES } from '../postgres/privileges.ts';
import { checkRequiredColumns, checkSchema } from '../postgres/schema.ts';
import { continueOnUnexpectedErrors } from '../program/exit.ts';
import { describeError } from '../program/operator-error.ts';
import {
  CLOSING_MS,
  createShutdownLimit,
  type ShutdownLimit,
  type ShutdownSignals,
} from '../program/shutdown-signals.ts';
import {
  DependencyHealth,
  probeDependency,
  type Availability,
} from '../telemetry/health/dependency-health.ts';
import { createHealth, type Conditions } from '../telemetry/health/health.ts';
import { openLog, unexpectedErrorLog, type Logger } from '../telemetry/logger.ts';
import { startTracing, type Tracing } from '../telemetry/tracing.ts';
import { connectTemporal, temporalTarget, type TemporalTarget } from '../temporal/connect.ts';
import { explainFailure } from '../temporal/connection-failure.ts';
import { routingProblem } from '../temporal/queue-workers.ts';
import { checkSearchAttributes } from '../temporal/search-attributes.ts';
import { isThrottled, temporalFailed } from '../temporal/temporal-error.ts';
import type { EagerSlots } from './eager-slots.ts';
import { createOrderStore } from './order-store.ts';
import { renewCredentials } from './renew-credentials.ts';
import { supervisionTimings, superviseWorker } from './supervise-worker.ts';
import { installTemporalRuntime, readSdkMetrics } from './temporal-runtime.ts';
import { TemporalWorker } from './temporal-worker.ts';
import { watchRouting } from './watch-routing.ts';
import { createWorkerMetrics, type WorkerMetrics } from './worker-metrics.ts';
import {
  deploymentOptions,
  pollerOptions,
  poolSize,
  slotSuppliers,
  STORE_ATTEMPT_MS,
  storeWaitMs,
} from './worker-options.ts';
import { workflowCode } from './workflow-code.ts';
import { workflowTracing } from './workflow-tracing.ts';

/** Contradictions between the settings of a worker. */
export const workerMistakes = ({
  database,
  worker,
}: PartialSettings<typeof WORKER_ROLE>): readonly string[] => [
  ...databaseTimeoutMistakes(database, STORE_ATTEMPT_MS),
  ...httpMistakes('WORKER', worker),
];

/** What a worker gets from the program that it runs in. */
export interface WorkerParts {
  readonly settings: Settings<typeof WORKER_ROLE>;
  readonly target: TemporalTarget;
  readonly orderModule: OrderModule;
  readonly logger: Logger;
  readonly tracing: Tracing | undefined;
  /** Called when the worker begins to run. `current` is undefined while a worker that has failed is being replaced. */
  readonly onStarted?: (current: () => TemporalWorker | undefined) => void;
  /** The workflow task slots, where the bridge runs in the same process. */
  readonly eagerSlots?: EagerSlots;
}

interface WorkerContext extends WorkerParts {
  readonly deployment: ReturnType<typeof deploymentOptions>;
  readonly pool: Pool;
  readonly signals: ShutdownSignals;
  readonly closing: ShutdownLimit;
}

/**
 * The program `order-ingest worker`. Runs a worker until the first shutdown signal. Throws an OperatorError when it
 * cannot start.
 */
export async function runWorker(env: Environment, signals: ShutdownSignals): Promise<void> {
  const settings = readSettings(WORKER_ROLE, env, workerMistakes);
  const target = temporalTarget(env);
  const { orderModule, origin } = await loadWithOrigin(settings.order.module);
  const logger = openLog(settings.logging)('worker');
  logger.info({ event: 'order_module_loaded', ...origin }, 'the order module is loaded');
  const tracing = await startTracing(env, 'order-ingest-worker');
  continueOnUnexpectedErrors(unexpectedErrorLog(logger));
  try {
    await workUntilStopped({ settings, target, orderModule, logger, tracing }, signals);
  } finally {
    await tracing?.stop();
  }
}

/**
 * Runs a worker until the first shutdown signal: it then takes no more work, finishes what is in progress
 * and closes its connections. Throws an OperatorError as `runWorker` does.
 */
export async function workUntilStopped(
  parts: WorkerParts,
  signals: ShutdownSignals,
): Promise<void> {
  const { settings, target, orderModule, logger } = parts;
  const deployment = deploymentOptions(settings.worker);
  const pool = createDatabasePool({
    ...settings.database,
    maxConnections: poolSize(settings.worker),
    onIdleError: (error) => {
      logger.warn(
        { event: 'database_connection_lost', error: describeError(error) },
        'an idle connection to Postgres was lost',
      );
    },
  });
  const closing = createShutdownLimit(settings.worker.shutdownGraceMs + CLOSING_MS, () => {
    logger.warn(
      { event: 'shutdown_incomplete' },
      'a server did not answer in time; Temporal has other workers repeat what was in progress',
    );
  });
  try {
    await checkDatabase(pool, orderModule.storage);
    await checkTemporal(target);
    await runUntilStopped({ ...parts, deployment, pool, signals, closing });
  } finally {
    closing.begin(1);
    await pool.end();
    closing.lift();
  }
}

async function checkDatabase(pool: Pool, storage: OrderModule['storage']): Promise<void> {
  try {
    await checkSchema(pool, storage);
    await checkRequiredColumns(pool, storage);
    await checkPrivileges(pool, storage, { privileges: WORKER_PRIVILEGES });
  } catch (error) {
    throw databaseError('Postgres cannot be used', error);
  }
}

async function checkTemporal(target: TemporalTarget): Promise<void> {
  const client = await connectTemporal(target);
  try {
    await checkSearchAttributes(client);
  } catch (error) {
    throw temporalFailed(target, error);
  } finally {
    await client.connection.close();
  }
}

async function runUntilStopped(context: WorkerContext): Promise<void> {
  const { settings, pool, logger } = context;
  const { runtime, metricsAddress } = await installTemporalRuntime(logger);
  try {
    const health = createHealth();
    health.readiness.check('payload keys', () => context.target.codec.keys.unknownKeys());
    const metrics = createWorkerMetrics(pool, health.readiness);
    const postgres = new DependencyHealth('Postgres', { readiness: health.readiness, logger });
    const stopping = new AbortController();
    const options = workerOptions(context, metrics, () =>
      postgres.untilAvailable(storeWaitMs(settings.database), stopping.signal),
    );
    // Started before a worker is created: if the port is in use, there is no worker to release.
    const endpoint = await startHealthEndpoint({
      ...endpointOptions('WORKER', settings.worker),
      // Nothing fails the liveness of a worker: one that fails is replaced within the process.
      health,
      logger,
      metrics: {
        contentType: metrics.registry.contentType,
        metrics: async () =>
          `${await metrics.registry.metrics()}${await readSdkMetrics(metricsAddress)}`,
      },
    });
    try {
      logger.info(
        { event: 'http_listening', host: settings.worker.httpHost, port: endpoint.port },
        'serving health and metrics',
      );
      await superviseUntilStopped(context, options, {
        readiness: health.readiness,
        postgres,
        stopping,
      });
      logger.info({ event: 'worker_stopped' }, 'the worker has stopped');
    } finally {
      await endpoint.close();
    }
  } finally {
    // It would keep the process running.
    await runtime.shutdown();
  }
}

type Options = Parameters<typeof TemporalWorker.create>[1];

/** The options that all workers of this process have in common, from the first to the last replacement. */
function workerOptions(
  { settings, target, orderModule, deployment, pool, logger, tracing, eagerSlots }: WorkerContext,
  metrics: WorkerMetrics,
  untilDatabaseAvailable: () => Promise<Availability>,
): Options {
  return {
    taskQueue: settings.temporal.taskQueue,
    activities: createActivities({
      orderModule,
      orderStore: createOrderStore(pool, orderModule.storage),
      workflowIdPrefix: settings.temporal.workflowIdPrefix,
      workflowIdKey: settings.payload.workflowIdKey?.current(),
      logger,
      onOutcome: metrics.countOrder,
      onAttempt: metrics.countAttempt,
      untilDatabaseAvailable,
    }),
    ...workflowCode({ traced: tracing !== undefined, codec: target.codec }),
    ...(tracing && workflowTracing(tracing)),
    ...pollerOptions(settings.worker, eagerSlots),
    ...deployment,
  };
}

async function superviseUntilStopped(
  context: WorkerContext,
  options: Options,
  {
    readiness,
    postgres,
    stopping,
  }: {
    readonly readiness: Conditions;
    readonly postgres: DependencyHealth;
    readonly stopping: AbortController;
  },
): Promise<void> {
  const { settings, target, orderModule, pool, logger, signals, closing } = context;
  const createWorker = () =>
    TemporalWorker.create(target, {
      ...options,
      tuner: slotSuppliers(settings.worker, context.eagerSlots),
    });
  const stopListening = signals.onFirst((signal) => {
    logger.info({ event: 'shutdown_signal_received', signal }, 'shutting down');
    readiness.fail('shutdown', 'the worker is shutting down');
    closing.begin(0);
    stopping.abort();
  });
  const temporal = new DependencyHealth('Temporal', {
    readiness,
    logger,
    isThrottled,
    explain: (error) => explainFailure(target, error),
  });
  const { taskQueue } = settings.temporal;

  const first = await createWorker().catch(async (error: unknown) => {
    throw await explainFailure(target, error);
  });
  logger.info(
    {
      event: 'worker_started',
      namespace: target.namespace,
      ...settings.temporal,
      poolSize: poolSize(settings.worker),
    },
    'the worker is waiting for orders',
  );
  const supervision = superviseWorker(first, {
    create: async () => {
      // Errors of this connection name the cause, which those of the worker's own do not.
      const { connection } = await connectTemporal(target);
      await connection.close();
      return createWorker();
    },
    stopping: stopping.signal,
    logger,
    readiness,
    onCreateFailed: (error) => {
      temporal.callFailed(error);
    },
    timings: supervisionTimings(settings.worker.shutdownGraceMs),
  });
  context.onStarted?.(() => supervision.current());
  const stops = [
    probeDependency(() => supervision.current()?.ping(), temporal),
    probeDependency(() => checkWritable(pool, orderModule.storage.tables), postgres),
    watchRouting(async () => {
      const workers = await supervision.current()?.queueWorkers(taskQueue);
      return workers && routingProblem(workers, taskQueue, context.eagerSlots !== undefined);
    }, logger),
    renewCredentials(() => supervision.current(), target, logger),
  ];
  try {
    await supervision.ended;
  } finally {
    stopListening();
    for (const stop of stops) stop();
    // A worker that has not stopped in time still holds its connection, which ends with the process.
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
