import { stackAddress, uniqueName } from '../../test/support/stack.ts';
import { createOrderSystem } from '../harness/order-system.ts';
import { measureRate } from '../harness/processes.ts';
import { startLoadWorker, startStartLoop } from '../harness/run-load.ts';
import type { Benchmark } from './benchmark.ts';

const COUNT = 2000;
/** The bridge's default. */
const CONCURRENCY = 50;

export const endToEnd: Benchmark = {
  name: 'end-to-end',
  ratio: "orders from a full topic to rows ÷ empty workflows, by the SDK's client and worker alone",
  unit: 'orders/s',
  goal: { atLeast: 0.95 },
  async prepare({ pids }) {
    const orders = await createOrderSystem(pids);
    const env = {
      TEMPORAL_ADDRESS: stackAddress('TEMPORAL_ADDRESS'),
      TEMPORAL_TASK_QUEUE: uniqueName('empty'),
      DATABASE_URL: stackAddress('DATABASE_URL'),
    };
    const worker = await startLoadWorker(env);
    return {
      subject: { name: 'order-ingest', measure: () => orders.ingest(COUNT) },
      baseline: {
        name: 'empty workflows',
        async measure() {
          const before = worker.done();
          const client = await startStartLoop(env, {
            type: 'emptyWorkflow',
            prefix: uniqueName('empty'),
            count: COUNT,
            concurrency: CONCURRENCY,
          });
          const sample = await measureRate(
            {
              pids: { client: client.pid, worker: worker.pid, ...pids },
              done: () => worker.done() - before,
            },
            COUNT,
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
