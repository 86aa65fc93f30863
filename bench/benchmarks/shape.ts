import { createOrderSystem } from '../harness/order-system.ts';
import { startLoadWorker, type Load } from '../harness/run-load.ts';
import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import type { Benchmark } from './benchmark.ts';

const COUNTS = { full: 1000, short: 200 };

export const shape: Benchmark = {
  name: 'shape',
  ratio: 'orders from a full topic to rows ÷ the same with two regular activities',
  unit: 'orders/s',
  goal: { atLeast: 1.8 },
  code: ['bench/benchmarks/shape.ts', ...BRIDGE_CODE, ...WORKER_CODE],
  async prepare({ pids }, form) {
    const count = COUNTS[form];
    const ours = await createOrderSystem(pids);
    let worker: Load | undefined;
    const theirs = await createOrderSystem(pids, {
      async startWorker(system) {
        worker = await startLoadWorker(system.workerEnv);
        return worker;
      },
    });
    return {
      subject: { name: 'local activities first', measure: () => ours.ingest(count) },
      baseline: { name: 'two regular activities', measure: () => theirs.ingest(count) },
      async close() {
        await worker?.stop();
        await theirs.close();
        await ours.close();
      },
    };
  },
};
