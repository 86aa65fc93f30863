import { stackAddress, uniqueName } from '../../test/support/stack.ts';
import { createOrderSystem } from '../harness/order-system.ts';
import { measureRate } from '../harness/processes.ts';
import { startLoadWorker, startStartLoop } from '../harness/run-load.ts';
import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import type { Benchmark } from './benchmark.ts';

const COUNTS = { full: 2000, short: 400 };
/** The bridge's default. */
const CONCURRENCY = 50;

export const endToEnd: Benchmark = {
  name: 'end-to-end',
  ratio: "orders from a full topic to rows ÷ empty workflows, by the SDK's client and worker alone",
  unit: 'orders/s',
  goal: { atLeast: 0.95 },
  code: ['bench/benchmarks/end-to-end.ts', ...BRIDGE_CODE, ...WORKER_CODE],
  async prepare({ pids }, form) {
    const count = COUNTS[form];
    const orders = await createOrderSystem(pids);
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
  },
};
