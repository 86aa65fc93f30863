import { createTestSystem } from '../../test/support/system.ts';
import { measureCommits } from '../harness/measure-commits.ts';
import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import type { Benchmark } from './benchmark.ts';

export const commit: Benchmark = {
  name: 'commit',
  ratio: 'offset commits per thousand orders while a worker runs',
  unit: 'commits',
  goal: { atMost: 5 },
  code: ['bench/benchmarks/commit.ts', ...BRIDGE_CODE, ...WORKER_CODE],
  async prepare() {
    const system = await createTestSystem({ partitions: 4, fastSettings: false });
    return {
      subject: { name: 'order-ingest', measure: () => measureCommits(system) },
      close: () => system.close(),
    };
  },
};
