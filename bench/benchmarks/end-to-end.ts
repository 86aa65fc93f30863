import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { connectTestTemporal } from '../../test/support/temporal.ts';
import { stackAddress, uniqueName } from '../../test/support/stack.ts';
import { createOrderSystem } from '../harness/order-system.ts';
import { ordersPerSecond } from '../harness/processes.ts';
import { runStartLoop, startLoadWorker, type LoadEnv } from '../harness/run-load.ts';
import type { Benchmark } from './benchmark.ts';

const COUNT = 1500;
/** The bridge's default. */
const CONCURRENCY = 50;
const POLL_MS = 100;

export const endToEnd: Benchmark = {
  name: 'end-to-end',
  ratio: "orders from a full topic to rows ÷ empty workflows by the SDK's client and worker alone",
  unit: 'orders/s',
  goal: { atLeast: 0.95 },
  async prepare({ pids }) {
    const orders = await createOrderSystem(pids);
    const client = await connectTestTemporal();
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
        measure: () =>
          ordersPerSecond({ worker: worker.pid, ...pids }, COUNT, () =>
            runEmptyWorkflows(client, env),
          ),
      },
      async close() {
        await worker.stop();
        await client.connection.close();
        await orders.close();
      },
    };
  },
};

/** The seconds from the first start to the last completion. */
async function runEmptyWorkflows(client: Client, env: LoadEnv): Promise<number> {
  const prefix = uniqueName('empty');
  const query = `WorkflowId STARTS_WITH '${prefix}' AND ExecutionStatus = 'Completed'`;
  const begin = performance.now();
  const load = { type: 'emptyWorkflow', prefix, count: COUNT, concurrency: CONCURRENCY };
  const starting = await runStartLoop(env, load);
  // The time that the loop's process took to come up is not the server's.
  const overhead = (performance.now() - begin) / 1000 - starting;
  while ((await client.workflow.count(query)).count < COUNT) await delay(POLL_MS);
  return (performance.now() - begin) / 1000 - overhead;
}
