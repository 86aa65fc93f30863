import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { stackAddress, uniqueName } from '../../test/support/stack.ts';
import { connectTestTemporal } from '../../test/support/temporal.ts';
import { orderLatencies, paced, percentileOf } from '../harness/latencies.ts';
import { createOrderSystem } from '../harness/order-system.ts';
import { startLoadWorker } from '../harness/run-load.ts';
import { BRIDGE_CODE, EMPTY_WORKFLOWS_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import type { Benchmark } from './benchmark.ts';

const COUNT = 400;
const SATURATING = 800;
const POLL_MS = 100;

/** On SQLite, the server has a single writer to wait for. */
const latency = (percentile: number, atMost: number): Benchmark => ({
  name: `latency-p${percentile}`,
  ratio: `p${percentile} of the time from message to row at half the saturated rate ÷ from start to completion of an empty workflow at that rate`,
  unit: 'ms',
  goal: { atMost },
  only: 'postgres',
  longOnly: true,
  code: [
    'bench/benchmarks/latency.ts',
    ...[...EMPTY_WORKFLOWS_CODE, ...BRIDGE_CODE, ...WORKER_CODE],
  ],
  async prepare({ pids }) {
    const orders = await createOrderSystem(pids);
    const { value: saturated } = await orders.ingest(SATURATING);
    await orders.system.startBridge();
    const pauseMs = 1000 / (saturated / 2);
    const client = await connectTestTemporal();
    const taskQueue = uniqueName('empty');
    const worker = await startLoadWorker({
      TEMPORAL_ADDRESS: stackAddress('TEMPORAL_ADDRESS'),
      TEMPORAL_TASK_QUEUE: taskQueue,
      DATABASE_URL: stackAddress('DATABASE_URL'),
    });
    const at = (latencies: readonly number[]) => ({ value: percentileOf(latencies, percentile) });
    return {
      subject: {
        name: 'order-ingest',
        measure: async () => at(await orderLatencies(orders.system, COUNT, pauseMs)),
      },
      baseline: {
        name: 'empty workflows',
        measure: async () => at(await emptyLatencies(client, taskQueue, pauseMs)),
      },
      async close() {
        await worker.stop();
        await client.connection.close();
        await orders.close();
      },
    };
  },
});

export const latencyP50 = latency(50, 1.5);
export const latencyP99 = latency(99, 2);

async function emptyLatencies(
  client: Client,
  taskQueue: string,
  pauseMs: number,
): Promise<readonly number[]> {
  const prefix = uniqueName('empty');
  const startedAt = new Map<string, number>();
  await paced(COUNT, pauseMs, (n) => {
    const workflowId = `${prefix}-${n}`;
    startedAt.set(workflowId, Date.now());
    return client.workflow.start('emptyWorkflow', { taskQueue, workflowId, args: [] });
  });
  const query = `WorkflowId STARTS_WITH '${prefix}' AND ExecutionStatus = 'Completed'`;
  for (;;) {
    const latencies: number[] = [];
    for await (const { workflowId, closeTime } of client.workflow.list({ query })) {
      latencies.push((closeTime?.getTime() ?? 0) - (startedAt.get(workflowId) ?? 0));
    }
    if (latencies.length === COUNT) return latencies;
    await delay(POLL_MS);
  }
}
