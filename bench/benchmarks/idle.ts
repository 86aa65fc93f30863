import { setTimeout as delay } from 'node:timers/promises';
import { uniqueName } from '../../test/support/stack.ts';
import { createTestSystem } from '../../test/support/system.ts';
import type { Sample } from '../harness/compare.ts';
import { countStored } from '../harness/counts.ts';
import { orderText } from '../harness/orders.ts';
import { usageOf } from '../harness/processes.ts';
import { BRIDGE_CODE, IDLE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import type { Benchmark } from './benchmark.ts';

/** V8 optimizes code, and compacts the heap a few times, for up to two minutes after the last order. */
const SETTLE_MS = 150_000;
const MEASURED_MS = 60_000;
const POLL_MS = 100;

export const idle: Benchmark = {
  name: 'idle',
  ratio: 'CPU time of an idle bridge or worker, whichever needs more',
  unit: 'ms per second',
  goal: { atMost: 5 },
  longOnly: true,
  code: ['bench/benchmarks/idle.ts', ...IDLE_CODE, ...BRIDGE_CODE, ...WORKER_CODE],
  prepare: () =>
    Promise.resolve({
      subject: { name: 'order-ingest', measure: measureIdle },
      needsWarmUp: false,
      close: () => Promise.resolve(),
    }),
};

async function measureIdle(): Promise<Sample> {
  const system = await createTestSystem({ partitions: 4, fastSettings: false });
  try {
    const programs = { bridge: await system.startBridge(), worker: await system.startWorker() };
    const orderId = uniqueName('first');
    await system.topic.send([{ key: orderId, value: orderText(orderId) }]);
    while ((await countStored(system)) === 0) await delay(POLL_MS);
    await delay(SETTLE_MS);
    const cpuMs = () => ({
      at: performance.now(),
      bridge: (usageOf(programs.bridge.pid)?.cpuSeconds ?? Number.NaN) * 1000,
      worker: (usageOf(programs.worker.pid)?.cpuSeconds ?? Number.NaN) * 1000,
    });
    const begin = cpuMs();
    await delay(MEASURED_MS);
    const end = cpuMs();
    const seconds = (end.at - begin.at) / 1000;
    const bridge = (end.bridge - begin.bridge) / seconds;
    const worker = (end.worker - begin.worker) / seconds;
    return { value: Math.max(bridge, worker), figures: { bridge, worker } };
  } finally {
    await system.close();
  }
}
