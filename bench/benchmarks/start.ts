import { measureBareStarts } from '../harness/bare-starts.ts';
import { createLoneBridge } from '../harness/lone-bridge.ts';
import { CARRIED } from '../harness/run-load.ts';
import { BRIDGE_CODE } from '../harness/measured-code.ts';
import type { Benchmark } from './benchmark.ts';

const COUNTS = { full: 8000, short: 2000 };

export const start: Benchmark = {
  name: 'start',
  ratio:
    'workflow starts by the bridge ÷ by a bare loop of client.workflow.start with the same inputs',
  unit: 'starts/s',
  goal: { atLeast: 0.97 },
  code: ['bench/benchmarks/start.ts', 'bench/loads/start-loop.ts', ...BRIDGE_CODE],
  async prepare({ pids }, form) {
    const count = COUNTS[form];
    const bridge = await createLoneBridge(pids);
    return {
      subject: {
        name: 'the bridge',
        measure: () => bridge.read('started', count),
      },
      baseline: {
        name: 'client.workflow.start',
        measure: () => measureBareStarts(pids, count, CARRIED),
      },
      close: () => bridge.close(),
    };
  },
};
