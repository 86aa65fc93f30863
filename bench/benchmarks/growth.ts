import { createOrderSystem } from '../harness/order-system.ts';
import type { BenchStack } from '../harness/bench-stack.ts';
import type { Sample } from '../harness/compare.ts';
import type { Benchmark } from './benchmark.ts';

const SMALL = 2000;
const LARGE = 100_000;
/** Of the large backlog: enough for what piles up to pile up. */
const MEASURED = 4000;

export const growth: Benchmark = {
  name: 'growth',
  ratio: `orders to rows, of a backlog of ${LARGE} ÷ of ${SMALL}`,
  unit: 'orders/s',
  goal: { atLeast: 0.9 },
  prepare: ({ pids }) =>
    Promise.resolve({
      subject: {
        name: `the first ${MEASURED} of a backlog of ${LARGE}`,
        measure: () => ofBacklog(pids, MEASURED, LARGE),
      },
      baseline: {
        name: `a backlog of ${SMALL}`,
        measure: () => ofBacklog(pids, SMALL, SMALL),
      },
      close: () => Promise.resolve(),
    }),
};

async function ofBacklog(
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
