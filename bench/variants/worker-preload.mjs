import { createRequire } from 'node:module';
import { isMainThread } from 'node:worker_threads';

// Preloaded by `node --import` into a worker, to change options of the SDK for which order-ingest has no setting.
if (isMainThread) {
  /** @type {import('@temporalio/worker')} */
  const { Runtime, Worker } = createRequire(import.meta.url)('@temporalio/worker');
  /** @type {{ worker?: Partial<import('@temporalio/worker').WorkerOptions>, metrics?: false }} */
  const { worker = {}, metrics = true } = JSON.parse(process.env['BENCH_SDK_OPTIONS'] ?? '{}');
  const create = Worker.create.bind(Worker);
  Worker.create = (options) => create({ ...options, ...worker });
  const install = Runtime.install.bind(Runtime);
  Runtime.install = ({ telemetryOptions = {}, ...options }) =>
    install({
      ...options,
      telemetryOptions: metrics ? telemetryOptions : { logging: telemetryOptions.logging },
    });
}
