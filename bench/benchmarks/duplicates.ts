import { uniqueName } from '../../test/support/stack.ts';
import { createLoneBridge } from '../harness/lone-bridge.ts';
import { BRIDGE_CODE } from '../harness/measured-code.ts';
import type { Benchmark } from './benchmark.ts';

const COUNTS = { full: 2000, short: 1000 };

export const duplicates: Benchmark = {
  name: 'duplicates',
  ratio: 'rate of the bridge for orders that are already ingested ÷ for new orders',
  unit: 'messages/s',
  goal: { atLeast: 1 },
  code: ['bench/benchmarks/duplicates.ts', ...BRIDGE_CODE],
  async prepare({ pids }, form) {
    const count = COUNTS[form];
    const bridge = await createLoneBridge(pids);
    const known = uniqueName('known');
    await bridge.read('started', count, known);
    return {
      subject: {
        name: 'already ingested',
        measure: () => bridge.read('duplicates', count, known),
      },
      baseline: { name: 'new', measure: () => bridge.read('started', count) },
      close: () => bridge.close(),
    };
  },
};
