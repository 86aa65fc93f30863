import { setTimeout as delay } from 'node:timers/promises';
import pMap from 'p-map';
import { stackAddress } from '../../test/support/stack.ts';
import type { TestSystem } from '../../test/support/system.ts';
import type { BenchStack } from '../harness/bench-stack.ts';
import type { Sample } from '../harness/compare.ts';
import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import { createOrderSystem } from '../harness/order-system.ts';
import { usageOf } from '../harness/processes.ts';
import { settledServerCounts } from '../harness/server-counts.ts';
import { openTemporalDatabase, type TemporalDatabase } from '../harness/temporal-database.ts';
import type { Benchmark } from './benchmark.ts';
import { untilCompleted } from './storage.ts';

const COUNTS = { full: 1000, short: 300 };
const CONCURRENCY = 50;
const POLL_MS = 500;
const IDLE_POLLS = 20;

/**
 * Closed workflows are deleted by calls, all at once. That is a little more than what the end of the retention
 * costs, where a timer takes the place of the call and of the task that it creates; but it needs no hour of
 * waiting, and so short a time that what the servers do besides hardly counts.
 */
export const deletion: Benchmark = {
  name: 'deletion',
  ratio: "CPU of Temporal's server and of Postgres for deleting an order, VACUUM included",
  unit: 'ms',
  only: 'postgres',
  longOnly: true,
  needsMetrics: true,
  code: ['bench/benchmarks/deletion.ts', ...BRIDGE_CODE, ...WORKER_CODE],
  async prepare(stack, form) {
    const database = await openTemporalDatabase();
    return {
      subject: {
        name: 'an order',
        measure: () => measureDeletion(stack, database, COUNTS[form]),
      },
      close: () => database.close(),
    };
  },
};

async function measureDeletion(
  stack: BenchStack,
  database: TemporalDatabase,
  count: number,
): Promise<Sample> {
  const orders = await createOrderSystem(stack.pids);
  const { system } = orders;
  const namespaceId = await namespaceIdOf(system);
  const others = await database.countWorkflows(namespaceId);
  await database.vacuum();
  const before = await database.sizes();
  await orders.ingest(count);
  await untilCompleted(orders);
  const workflowIds: string[] = [];
  const query = `WorkflowId STARTS_WITH '${system.workflowId('')}'`;
  for await (const { workflowId } of system.client.workflow.list({ query })) {
    workflowIds.push(workflowId);
  }
  await database.vacuum();
  const stored = await database.sizes();
  const workflows = async () => (await database.countWorkflows(namespaceId)) - others;
  // Polls as below, so that what the polls cost is subtracted, too.
  const idle = await measureCpu(stack, async () => {
    for (let polls = 0; polls < IDLE_POLLS; polls += 1) {
      await workflows();
      await delay(POLL_MS);
    }
  });
  const begin = await settledServerCounts(stack.metricsPorts);
  const busy = await measureCpu(stack, async () => {
    await pMap(workflowIds, (workflowId) => deleteWorkflow(system, workflowId), {
      concurrency: CONCURRENCY,
    });
    while ((await workflows()) > 0) await delay(POLL_MS);
  });
  const end = await settledServerCounts(stack.metricsPorts);
  const vacuum = await measureCpu(stack, () => database.vacuum());
  const after = await database.sizes();
  await orders.close();
  const msPerOrder = (process: 'temporal' | 'postgres') =>
    (busy.cpuMs(process) - (idle.cpuMs(process) / idle.ms) * busy.ms) / workflowIds.length;
  const vacuumMs = vacuum.cpuMs('postgres') / count;
  const bytes = (sizes: typeof before) => sizes.main + sizes.visibility;
  const cpu = { temporal: msPerOrder('temporal'), postgres: msPerOrder('postgres') + vacuumMs };
  return {
    value: cpu.temporal + cpu.postgres,
    cpu,
    figures: {
      'of it VACUUM, in ms': vacuumMs,
      'calls of history': (end.calls.history - begin.calls.history) / workflowIds.length,
      'database calls of history':
        (end.persistence.history - begin.persistence.history) / workflowIds.length,
      'bytes that the databases grew by, per order': (bytes(stored) - bytes(before)) / count,
      'bytes left after deletion and VACUUM, per order': (bytes(after) - bytes(before)) / count,
    },
  };
}

async function namespaceIdOf({ client }: TestSystem): Promise<string> {
  const { namespaceInfo } = await client.workflowService.describeNamespace({
    namespace: stackAddress('TEMPORAL_NAMESPACE'),
  });
  return namespaceInfo?.id ?? '';
}

const deleteWorkflow = ({ client }: TestSystem, workflowId: string) =>
  client.workflowService.deleteWorkflowExecution({
    namespace: stackAddress('TEMPORAL_NAMESPACE'),
    workflowExecution: { workflowId },
  });

async function measureCpu({ pids }: BenchStack, work: () => Promise<unknown>) {
  const usage = () => ({
    temporal: usageOf(pids['temporal'] ?? 0)?.cpuSeconds ?? 0,
    postgres: usageOf(pids['postgres'] ?? 0)?.cpuSeconds ?? 0,
  });
  const before = usage();
  const begin = performance.now();
  await work();
  const ms = performance.now() - begin;
  const after = usage();
  return {
    ms,
    cpuMs: (process: 'temporal' | 'postgres') => (after[process] - before[process]) * 1000,
  };
}
