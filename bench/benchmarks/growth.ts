import { createOrderSystem } from '../harness/order-system.ts';
import type { BenchStack } from '../harness/bench-stack.ts';
import type { Sample } from '../harness/compare.ts';
import type { Benchmark } from './benchmark.ts';

const SMALL = 2000;
const LARGE = 100_000;
/** How many orders of the large backlog are measured: enough for an effect of its size to show. */
const MEASURED = 4000;

export const growth: Benchmark = {
  name: 'growth',
  ratio: `orders from the topic to rows, with a backlog of ${LARGE} ÷ of ${SMALL}`,
  unit: 'orders/s',
  goal: { atLeast: 0.9 },
  prepare: ({ pids }) =>
    Promise.resolve({
      subject: {
        name: `the first ${MEASURED} of a backlog of ${LARGE}`,
        measure: () => measureBacklog(pids, MEASURED, LARGE),
      },
      baseline: {
        name: `a backlog of ${SMALL}`,
        measure: () => measureBacklog(pids, SMALL, SMALL),
      },
      close: () => Promise.resolve(),
    }),
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
