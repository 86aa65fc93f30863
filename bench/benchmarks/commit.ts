import { createTestSystem } from '../../test/support/system.ts';
import { measureCommits } from '../harness/measure-commits.ts';
import type { Benchmark } from './benchmark.ts';

export const commit: Benchmark = {
  name: 'commit',
  ratio: 'offset commits per thousand orders while a worker runs',
  unit: 'commits',
  goal: { atMost: 5 },
  async prepare() {
    const system = await createTestSystem({ partitions: 4, fastSettings: false });
    return {
      subject: { name: 'order-ingest', measure: () => measureCommits(system) },
      close: () => system.close(),
    };
  },
};
