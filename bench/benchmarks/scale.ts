import { createOrderSystem, type OrderSystemOptions } from '../harness/order-system.ts';
import type { Benchmark } from './benchmark.ts';

const COUNT = 2000;

/**
 * On one machine more processes make nothing faster: what is to be seen is that an order costs each of
 * them together no more, which is what the capacity calculator counts on.
 */
const scale = (name: string, more: OrderSystemOptions, described: string): Benchmark => ({
  name,
  ratio: `orders from a full topic to rows with ${described} ÷ with one of each, on the same cores`,
  unit: 'orders/s',
  goal: { atLeast: 0.9 },
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
