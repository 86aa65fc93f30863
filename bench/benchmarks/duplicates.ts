import { uniqueName } from '../../test/support/stack.ts';
import { createLoneBridge } from '../harness/lone-bridge.ts';
import type { Benchmark } from './benchmark.ts';

const COUNT = 2000;

export const duplicates: Benchmark = {
  name: 'duplicates',
  ratio: 'rate of the bridge for orders that are already ingested ÷ for new orders',
  unit: 'messages/s',
  goal: { atLeast: 1 },
  async prepare({ pids }) {
    const bridge = await createLoneBridge(pids);
    const known = uniqueName('known');
    await bridge.read('started', COUNT, known);
    return {
      subject: {
        name: 'already ingested',
        measure: () => bridge.read('duplicates', COUNT, known),
      },
      baseline: { name: 'new', measure: () => bridge.read('started', COUNT) },
      close: () => bridge.close(),
    };
  },
};
