import { createOrderSystem, type OrderSystemOptions } from '../harness/order-system.ts';
import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import type { Benchmark } from './benchmark.ts';

const COUNT = 2000;

/**
 * On one machine, more processes are not faster. The benchmark shows that they do not make an order more
 * expensive either, which the capacity calculator assumes.
 */
const scale = (name: string, more: OrderSystemOptions, described: string): Benchmark => ({
  name,
  ratio: `orders from a full topic to rows with ${described} ÷ with one bridge and one worker, on the same cores`,
  unit: 'orders/s',
  goal: { atLeast: 0.9 },
  longOnly: true,
  code: ['bench/benchmarks/scale.ts', ...BRIDGE_CODE, ...WORKER_CODE],
  async prepare({ pids }) {
    const several = await createOrderSystem(pids, more);
    const one = await createOrderSystem(pids);
    return {
      subject: { name: described, measure: () => several.ingest(COUNT) },
      baseline: { name: 'one of each', measure: () => one.ingest(COUNT) },
      async close() {
        await one.close();
        await several.close();
      },
    };
  },
});

export const twoBridges = scale('two-bridges', { bridges: 2 }, 'two bridges');
export const twoWorkers = scale('two-workers', { workers: 2 }, 'two workers');
