import { EagerStarts } from '../bridge/eager-starts.ts';
import { bridgeMistakes, ingestUntilStopped } from '../bridge/run-bridge.ts';
import { readSettings, type Environment, type PartialSettings } from '../config/read-settings.ts';
import { ALL_IN_ONE_ROLE } from '../config/roles.ts';
import { openMessageReader } from '../order-module/open-message-reader.ts';
import { continueOnUnexpectedErrors } from '../program/exit.ts';
import { promiseWithResolvers } from '../program/promise-with-resolvers.ts';
import type { ShutdownSignals } from '../program/shutdown-signals.ts';
import { openLog, unexpectedErrorLog } from '../telemetry/logger.ts';
import { startTracing } from '../telemetry/tracing.ts';
import { temporalTarget } from '../temporal/connect.ts';
import { workerMistakes, workUntilStopped } from '../worker/run-worker.ts';
import { EagerSlots } from '../worker/eager-slots.ts';
import type { TemporalWorker } from '../worker/temporal-worker.ts';
import { createShutdownRelay } from './shutdown-relay.ts';

/**
 * The program `order-ingest run`: a bridge and a worker in one process. The bridge starts workflows eagerly, so that
 * the worker gets their first task without a task queue. At the first shutdown signal the bridge stops, then the
 * worker. When one of them fails, the other stops as well. Throws the OperatorError of the one that failed.
 */
export async function runAllInOne(env: Environment, signals: ShutdownSignals): Promise<void> {
  const settings = readSettings(ALL_IN_ONE_ROLE, env, (given) => [
    ...bridgeMistakes(given),
    ...workerMistakes(given),
    ...versioningMistakes(given),
  ]);
  const target = temporalTarget(env);
  const reader = await openMessageReader(settings);
  const { orderModule } = reader;
  const createLogger = openLog(settings.logging);
  const logger = createLogger('bridge');
  const workerLogger = createLogger('worker');
  logger.info({ event: 'order_module_loaded', ...reader.origin }, 'the order module is loaded');
  const tracing = await startTracing(env, 'order-ingest');
  continueOnUnexpectedErrors(unexpectedErrorLog(logger));

  const slots = new EagerSlots(settings.worker.workflowTaskSlots);
  let current: () => TemporalWorker | undefined = () => undefined;
  const eagerStarts = new EagerStarts({
    worker() {
      const worker = current();
      return (
        worker && {
          claimSlot: (signal) => slots.claim(signal),
          startEagerly: (request, timeoutMs) => worker.startEagerly(request, timeoutMs),
        }
      );
    },
    timeoutMs: settings.bridge.startTimeoutMs,
  });
  const started = promiseWithResolvers<() => TemporalWorker | undefined>();
  const stopWorker = createShutdownRelay();
  const stopBridge = createShutdownRelay();
  const stoppedBeforeIngesting = promiseWithResolvers<undefined>();
  const stopIngesting = (reason: string) => {
    // A bridge that waits for Kafka holds nothing that needs closing.
    if (!stopBridge.isHeard()) stoppedBeforeIngesting.resolve(undefined);
    stopBridge.send(reason);
  };
  let stopListening: () => void = () => undefined;
  try {
    const work = workUntilStopped(
      {
        ...{ settings, target, orderModule, tracing, logger: workerLogger },
        eagerSlots: slots,
        onStarted: started.resolve,
      },
      stopWorker.signals,
    );
    // A worker that cannot start, or ends by itself.
    work.then(
      () => undefined,
      (error: unknown) => {
        started.reject(error);
        stopIngesting('the worker has failed');
      },
    );
    current = await started.promise;
    // From now on, there is work that a shutdown has to wait for.
    stopListening = signals.onFirst(stopIngesting);
    try {
      await Promise.race([
        ingestUntilStopped({ settings, target, reader, logger, eagerStarts }, stopBridge.signals),
        stoppedBeforeIngesting.promise,
      ]);
    } catch (error) {
      // The code with which the process ends if the worker does not close in time.
      process.exitCode = 1;
      throw error;
    } finally {
      stopWorker.send('the bridge has stopped');
      await work;
    }
  } finally {
    stopListening();
    await tracing?.stop();
  }
}

/** The server ignores the version of the worker that gets a task with the answer to a start. */
const versioningMistakes = ({
  worker: { deploymentName, buildId },
}: PartialSettings<typeof ALL_IN_ONE_ROLE>): readonly string[] =>
  deploymentName === undefined && buildId === undefined
    ? []
    : [
        'TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_BUILD_ID must not be set: `order-ingest run` starts workflows eagerly, and Temporal ignores worker versioning for their first task. Run `order-ingest bridge` and `order-ingest worker` instead',
      ];
