import { setTimeout as delay } from 'node:timers/promises';
import { msToTs } from '@temporalio/common/lib/time.js';
import { stackAddress } from '../../test/support/stack.ts';
import type { TestSystem } from '../../test/support/system.ts';
import type { BenchStack } from '../harness/bench-stack.ts';
import type { Sample } from '../harness/compare.ts';
import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import { createOrderSystem } from '../harness/order-system.ts';
import { usageOf } from '../harness/processes.ts';
import { openTemporalDatabase, type TemporalDatabase } from '../harness/temporal-database.ts';
import type { Benchmark } from './benchmark.ts';
import { untilCompleted } from './storage.ts';

const COUNTS = { full: 1000, short: 300 };
/** To find out how long it takes to store so many. */
const TRIAL = 200;
const POLL_MS = 1000;
const IDLE_POLLS = 15;

/**
 * The server deletes each workflow by a timer at the end of its retention. It is shortened for the benchmark
 * from an hour, the least that a server allows by default, and the timers are not spread over half an hour.
 * Server 1.29 does not allow less than an hour.
 */
export const deletion: Benchmark = {
  name: 'deletion',
  ratio:
    "CPU of Temporal's server and of Postgres for deleting an order at the end of its retention, VACUUM included",
  unit: 'ms',
  only: 'postgres',
  longOnly: true,
  code: ['bench/benchmarks/deletion.ts', ...BRIDGE_CODE, ...WORKER_CODE],
  async prepare(stack, form) {
    const database = await openTemporalDatabase();
    await stack.setDynamicConfig({
      'system.namespaceMinRetentionLocal': '1s',
      'history.retentionTimerJitterDuration': '1s',
    });
    const count = COUNTS[form];
    const trial = await createOrderSystem(stack.pids);
    const { value: perSecond } = await trial.ingest(TRIAL);
    await trial.close();
    // The first order must not be deleted before the last one is stored.
    const retentionMs = 60_000 + 2 * (count / perSecond) * 1000;
    return {
      subject: {
        name: 'an order',
        measure: () => measureDeletion(stack, database, count, retentionMs),
      },
      close: () => database.close(),
    };
  },
};

async function measureDeletion(
  stack: BenchStack,
  database: TemporalDatabase,
  count: number,
  retentionMs: number,
): Promise<Sample> {
  const orders = await createOrderSystem(stack.pids);
  const namespaceId = await setRetention(orders.system, retentionMs);
  const others = await database.countWorkflows(namespaceId);
  await database.vacuum();
  const before = await database.sizes();
  await orders.ingest(count);
  await untilCompleted(orders);
  await orders.close();
  const workflows = async () => (await database.countWorkflows(namespaceId)) - others;
  if ((await workflows()) < count) {
    throw new Error(`${count} orders were not stored within the retention of ${retentionMs} ms`);
  }
  await database.vacuum();
  const stored = await database.sizes();
  // Polls as below, so that what the polls cost is subtracted, too.
  const idle = await measureCpu(stack, async () => {
    for (let polls = 0; polls < IDLE_POLLS; polls += 1) {
      await workflows();
      await delay(POLL_MS);
    }
  });
  while ((await workflows()) === count) await delay(POLL_MS);
  let deleted = 0;
  const busy = await measureCpu(stack, async () => {
    deleted = await workflows();
    while ((await workflows()) > 0) await delay(POLL_MS);
  });
  const vacuum = await measureCpu(stack, () => database.vacuum());
  const after = await database.sizes();
  const msPerOrder = (process: 'temporal' | 'postgres') =>
    (busy.cpuMs(process) - (idle.cpuMs(process) / idle.ms) * busy.ms) / deleted;
  const vacuumMs = vacuum.cpuMs('postgres') / count;
  const bytes = (sizes: typeof before) => sizes.main + sizes.visibility;
  const cpu = { temporal: msPerOrder('temporal'), postgres: msPerOrder('postgres') + vacuumMs };
  return {
    value: cpu.temporal + cpu.postgres,
    cpu,
    figures: {
      'of it VACUUM, in ms': vacuumMs,
      'bytes that the databases grew by, per order': (bytes(stored) - bytes(before)) / count,
      'bytes left after deletion and VACUUM, per order': (bytes(after) - bytes(before)) / count,
    },
  };
}

/** Sets the retention of the namespace and returns its ID. */
async function setRetention({ client }: TestSystem, retentionMs: number): Promise<string> {
  const { namespaceInfo } = await client.workflowService.updateNamespace({
    namespace: stackAddress('TEMPORAL_NAMESPACE'),
    config: { workflowExecutionRetentionTtl: msToTs(retentionMs) },
  });
  // The server caches namespaces for a second.
  await delay(3000);
  return namespaceInfo?.id ?? '';
}

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
