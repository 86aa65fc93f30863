import { setTimeout as delay } from 'node:timers/promises';
import { createTestSystem } from '../../test/support/system.ts';
import type { Sample } from '../harness/compare.ts';
import { progressOf } from '../harness/counts.ts';
import { fillTopic } from '../harness/fill-topic.ts';
import { usageOf } from '../harness/processes.ts';
import { BRIDGE_CODE } from '../harness/measured-code.ts';
import type { Benchmark } from './benchmark.ts';

const SMALL = 2000;
const LARGE = { full: 200_000, short: 50_000 };
const POLL_MS = 50;

export const memory: Benchmark = {
  name: 'memory',
  ratio: `peak resident memory of the bridge with a backlog of ${LARGE.full.toLocaleString('en')} ÷ of ${SMALL.toLocaleString('en')}`,
  unit: 'MiB',
  goal: { atMost: 1.2 },
  code: ['bench/benchmarks/memory.ts', ...BRIDGE_CODE],
  prepare: (_, form) =>
    Promise.resolve({
      subject: { name: 'the large backlog', measure: () => peakMemory(LARGE[form]) },
      baseline: { name: 'the small backlog', measure: () => peakMemory(SMALL) },
      close: () => Promise.resolve(),
    }),
};

/** The peak while the bridge starts as many workflows as the small backlog has orders. */
async function peakMemory(backlog: number): Promise<Sample> {
  const system = await createTestSystem({ partitions: 4, fastSettings: false });
  try {
    await fillTopic(system.topic, backlog);
    const bridge = await system.startBridge({
      BRIDGE_PROGRESS_INTERVAL_MS: '100',
      // No worker runs, so all orders stay open.
      BRIDGE_MAX_WAITING_ORDERS: String(SMALL),
    });
    let bytes = 0;
    while (progressOf(bridge, 'started') < SMALL) {
      bytes = Math.max(bytes, usageOf(bridge.pid)?.residentBytes ?? 0);
      await delay(POLL_MS);
    }
    return { value: bytes / 2 ** 20 };
  } finally {
    await system.close();
  }
}
