import { createOrderSystem } from '../harness/order-system.ts';
import type { BenchStack } from '../harness/bench-stack.ts';
import type { Sample } from '../harness/compare.ts';
import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import type { Benchmark } from './benchmark.ts';

/** The large backlog is read in part: enough for an effect of its size to show. */
const COUNTS = {
  full: { large: 100_000, measured: 4000, small: 2000 },
  short: { large: 10_000, measured: 300, small: 300 },
};

export const growth: Benchmark = {
  name: 'growth',
  ratio: `orders from a full topic to rows, the first ${asText(COUNTS.full.measured)} of a backlog of ${asText(COUNTS.full.large)} ÷ a backlog of ${asText(COUNTS.full.small)}`,
  unit: 'orders/s',
  goal: { atLeast: 0.9 },
  longOnly: true,
  code: ['bench/benchmarks/growth.ts', ...BRIDGE_CODE, ...WORKER_CODE],
  prepare({ pids }, form) {
    const { large, measured, small } = COUNTS[form];
    return Promise.resolve({
      subject: {
        name: 'the beginning of a large backlog',
        measure: () => measureBacklog(pids, measured, large),
      },
      baseline: {
        name: 'a small backlog',
        measure: () => measureBacklog(pids, small, small),
      },
      close: () => Promise.resolve(),
    });
  },
};

async function measureBacklog(
  pids: BenchStack['pids'],
  count: number,
  backlog: number,
): Promise<Sample> {
  const orders = await createOrderSystem(pids);
  try {
    return await orders.ingest(count, backlog);
  } finally {
    await orders.close();
  }
}

function asText(count: number): string {
  return count.toLocaleString('en');
}
