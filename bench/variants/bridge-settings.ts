import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import { createLoneBridge } from '../harness/lone-bridge.ts';
import { measureCommits } from '../harness/measure-commits.ts';
import { createTestSystem } from '../../test/support/system.ts';
import type { Variants } from './variants.ts';

const COUNT = 2000;

export const startsAtOnce: Variants = {
  name: 'starts-at-once',
  what: 'workflow starts by the bridge, without a worker, by BRIDGE_MAX_CONCURRENT_STARTS',
  unit: 'starts/s',
  code: ['bench/variants/bridge-settings.ts', ...BRIDGE_CODE],
  async prepare({ pids }) {
    const bridge = await createLoneBridge(pids);
    return {
      sides: ['5', '10', '20', '50', '100', '200'].map((starts) => ({
        name: starts,
        measure: () =>
          bridge.read('started', COUNT, undefined, { BRIDGE_MAX_CONCURRENT_STARTS: starts }),
      })),
      close: () => bridge.close(),
    };
  },
};

export const commitInterval: Variants = {
  name: 'commit-interval',
  what: 'offset commits per thousand orders, by BRIDGE_COMMIT_INTERVAL_MS',
  unit: 'commits',
  code: ['bench/variants/bridge-settings.ts', ...BRIDGE_CODE, ...WORKER_CODE],
  async prepare() {
    const intervals = ['500', '1000', '5000', '10000'];
    const systems = await Promise.all(
      intervals.map(() => createTestSystem({ partitions: 4, fastSettings: false })),
    );
    return {
      sides: systems.map((system, index) => ({
        name: `${intervals[index]} ms`,
        measure: () =>
          measureCommits(system, 1000, { BRIDGE_COMMIT_INTERVAL_MS: intervals[index] ?? '' }),
      })),
      async close() {
        await Promise.all(systems.map((system) => system.close()));
      },
    };
  },
};
