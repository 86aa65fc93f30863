import path from 'node:path';
import type { WorkerOptions } from '@temporalio/worker';
import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import { createOrderSystem } from '../harness/order-system.ts';
import type { ProgramEnv } from '../../test/support/programs.ts';
import type { Variants } from './variants.ts';

const COUNT = 2000;
const PRELOAD = path.join(import.meta.dirname, 'worker-preload.mjs');

/** Changes what order-ingest has no setting for: see the preloaded file. */
const withSdkOptions = (options: {
  readonly worker?: Partial<WorkerOptions>;
  readonly metrics?: false;
}): ProgramEnv => ({
  NODE_OPTIONS: `--import=${PRELOAD}`,
  BENCH_SDK_OPTIONS: JSON.stringify(options),
});

const SIDES: readonly { readonly name: string; readonly env: ProgramEnv }[] = [
  { name: 'as it is', env: withSdkOptions({}) },
  { name: 'reuseV8Context: false', env: withSdkOptions({ worker: { reuseV8Context: false } }) },
  {
    name: 'two workflow threads',
    env: withSdkOptions({ worker: { workflowThreadPoolSize: 2 } }),
  },
  { name: 'no metrics of the SDK', env: withSdkOptions({ metrics: false }) },
];

/** What the worker can be told to do otherwise, one thing at a time. */
export const workerSettings: Variants = {
  name: 'worker-settings',
  what: 'orders from a full topic to rows, by what the worker does',
  unit: 'orders/s',
  code: [
    ...['bench/variants/worker-settings.ts', 'bench/variants/worker-preload.mjs'],
    ...[...BRIDGE_CODE, ...WORKER_CODE],
  ],
  async prepare({ pids }) {
    const systems = await Promise.all(
      SIDES.map(({ env }) =>
        createOrderSystem(pids, { startWorker: (system) => system.startWorker(env) }),
      ),
    );
    return {
      sides: systems.map((orders, index) => ({
        name: SIDES[index]?.name ?? '',
        measure: async () => {
          const sample = await orders.ingest(COUNT);
          return { ...sample, figures: { 'CPU ms of the worker': sample.cpu?.['worker'] ?? 0 } };
        },
      })),
      async close() {
        await Promise.all(systems.map((system) => system.close()));
      },
    };
  },
};
