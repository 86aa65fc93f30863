import { createTestSystem } from '../../test/support/system.ts';
import { measureCommits } from '../harness/measure-commits.ts';
import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import type { Benchmark } from './benchmark.ts';

const COUNTS = { full: 1000, short: 500 };

export const commit: Benchmark = {
  name: 'commit',
  ratio: 'offset commits per thousand orders while a worker runs',
  unit: 'commits',
  goal: { atMost: 5 },
  code: ['bench/benchmarks/commit.ts', ...BRIDGE_CODE, ...WORKER_CODE],
  async prepare(_, form) {
    const system = await createTestSystem({ partitions: 4, fastSettings: false });
    return {
      subject: { name: 'order-ingest', measure: () => measureCommits(system, COUNTS[form]) },
      close: () => system.close(),
    };
  },
};
