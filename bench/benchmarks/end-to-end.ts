import { stackAddress, uniqueName } from '../../test/support/stack.ts';
import type { Comparison } from '../harness/compare.ts';
import { createOrderSystem, type OrderSystem } from '../harness/order-system.ts';
import { measureRate } from '../harness/processes.ts';
import { startLoadWorker, startStartLoop } from '../harness/run-load.ts';
import {
  BRIDGE_CODE,
  EMPTY_WORKFLOWS_CODE,
  ONE_PROCESS_CODE,
  WORKER_CODE,
} from '../harness/measured-code.ts';
import type { Benchmark } from './benchmark.ts';

const COUNTS = { full: 2000, short: 400 };
/** The bridge's default. */
const CONCURRENCY = 50;

const EMPTY = "empty workflows, by the SDK's client and worker alone";
const OWN_CODE = ['bench/benchmarks/end-to-end.ts', ...EMPTY_WORKFLOWS_CODE];

export const endToEnd: Benchmark = {
  name: 'end-to-end',
  ratio: `orders from a full topic to rows ÷ ${EMPTY}`,
  unit: 'orders/s',
  goal: { atLeast: 0.95 },
  code: [...OWN_CODE, ...BRIDGE_CODE, ...WORKER_CODE],
  prepare: async ({ pids }, form) =>
    besideEmptyWorkflows(pids, COUNTS[form], await createOrderSystem(pids)),
};

export const endToEndInOneProcess: Benchmark = {
  name: 'end-to-end-run',
  ratio: `orders from a full topic to rows with order-ingest run ÷ ${EMPTY}`,
  unit: 'orders/s',
  goal: { atLeast: 1.1 },
  only: 'postgres',
  longOnly: true,
  code: [...OWN_CODE, ...ONE_PROCESS_CODE],
  prepare: async ({ pids }, form) =>
    besideEmptyWorkflows(pids, COUNTS[form], await createOrderSystem(pids, { inOneProcess: {} })),
};

async function besideEmptyWorkflows(
  pids: Readonly<Record<string, number>>,
  count: number,
  orders: OrderSystem,
): Promise<Comparison> {
  const env = {
    TEMPORAL_ADDRESS: stackAddress('TEMPORAL_ADDRESS'),
    TEMPORAL_TASK_QUEUE: uniqueName('empty'),
    DATABASE_URL: stackAddress('DATABASE_URL'),
  };
  const worker = await startLoadWorker(env);
  return {
    subject: { name: 'order-ingest', measure: () => orders.ingest(count) },
    baseline: {
      name: 'empty workflows',
      async measure() {
        const before = worker.done();
        const client = await startStartLoop(env, {
          type: 'emptyWorkflow',
          prefix: uniqueName('empty'),
          count,
          concurrency: CONCURRENCY,
        });
        const sample = await measureRate(
          {
            pids: { client: client.pid, worker: worker.pid, ...pids },
            done: () => worker.done() - before,
          },
          count,
        );
        await client.stop();
        return sample;
      },
    },
    async close() {
      await worker.stop();
      await orders.close();
    },
  };
}
