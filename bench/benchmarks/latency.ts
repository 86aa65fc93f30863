import { setTimeout as delay } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { stackAddress, uniqueName } from '../../test/support/stack.ts';
import { connectTestTemporal } from '../../test/support/temporal.ts';
import { orderText } from '../harness/orders.ts';
import { createOrderSystem, type OrderSystem } from '../harness/order-system.ts';
import { startLoadWorker } from '../harness/run-load.ts';
import type { Benchmark } from './benchmark.ts';

const COUNT = 400;
const SATURATING = 800;
const POLL_MS = 100;

/** Meaningful only with Temporal on Postgres: on SQLite the server has a single writer to wait for. */
const latency = (percentile: number, atMost: number): Benchmark => ({
  name: `latency-p${percentile}`,
  ratio: `p${percentile} of the time from message to row at half the saturated rate ÷ from start to completion of an empty workflow at that rate`,
  unit: 'ms',
  goal: { atMost },
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
        measure: async () => at(await orderLatencies(orders, pauseMs)),
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

/** Calls `send` once per order, evenly spaced. */
async function paced(pauseMs: number, send: (n: number) => Promise<unknown>): Promise<void> {
  const begin = performance.now();
  const sent: Promise<unknown>[] = [];
  for (let n = 0; n < COUNT; n += 1) {
    await delay(Math.max(0, begin + n * pauseMs - performance.now()));
    sent.push(send(n));
  }
  await Promise.all(sent);
}

async function orderLatencies(
  { system }: OrderSystem,
  pauseMs: number,
): Promise<readonly number[]> {
  const run = uniqueName('latency');
  const sentAt = new Map<string, number>();
  await paced(pauseMs, (n) => {
    const orderId = `${run}-${n}`;
    sentAt.set(orderId, Date.now());
    return system.topic.send([{ key: orderId, value: orderText(orderId) }]);
  });
  for (;;) {
    const { rows } = await system.database.pool.query<{ order_id: string; ms: number }>(
      'SELECT order_id, extract(epoch FROM ingested_at)::float8 * 1000 AS ms FROM orders WHERE starts_with(order_id, $1)',
      [run],
    );
    if (rows.length === COUNT) {
      return rows.map(({ order_id, ms }) => ms - (sentAt.get(order_id) ?? 0));
    }
    await delay(POLL_MS);
  }
}

async function emptyLatencies(
  client: Client,
  taskQueue: string,
  pauseMs: number,
): Promise<readonly number[]> {
  const prefix = uniqueName('empty');
  const startedAt = new Map<string, number>();
  await paced(pauseMs, (n) => {
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

function percentileOf(figures: readonly number[], percentile: number): number {
  const sorted = [...figures].sort((a, b) => a - b);
  return sorted[Math.ceil((percentile / 100) * sorted.length) - 1] ?? Number.NaN;
}
