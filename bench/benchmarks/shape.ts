import { createOrderSystem } from '../harness/order-system.ts';
import { startLoadWorker, type Load } from '../harness/run-load.ts';
import type { Benchmark } from './benchmark.ts';

const COUNT = 1000;

export const shape: Benchmark = {
  name: 'shape',
  ratio: 'orders from a full topic to rows ÷ the same with two regular activities',
  unit: 'orders/s',
  goal: { atLeast: 1.8 },
  async prepare({ pids }) {
    const ours = await createOrderSystem(pids);
    let worker: Load | undefined;
    const theirs = await createOrderSystem(pids, {
      async startWorker(system) {
        worker = await startLoadWorker(system.workerEnv);
        return worker;
      },
    });
    return {
      subject: { name: 'local activities first', measure: () => ours.ingest(COUNT) },
      baseline: { name: 'two regular activities', measure: () => theirs.ingest(COUNT) },
      async close() {
        await worker?.stop();
        await theirs.close();
        await ours.close();
      },
    };
  },
};
