import { measureBareStarts } from '../harness/bare-starts.ts';
import { createLoneBridge } from '../harness/lone-bridge.ts';
import { CARRIED } from '../harness/run-load.ts';
import type { Benchmark } from './benchmark.ts';

const COUNT = 8000;

export const start: Benchmark = {
  name: 'start',
  ratio:
    'workflow starts by the bridge ÷ by a bare loop of client.workflow.start with the same inputs',
  unit: 'starts/s',
  goal: { atLeast: 0.97 },
  async prepare({ pids }) {
    const bridge = await createLoneBridge(pids);
    return {
      subject: {
        name: 'the bridge',
        measure: () => bridge.read('started', COUNT),
      },
      baseline: {
        name: 'client.workflow.start',
        measure: () => measureBareStarts(pids, COUNT, CARRIED),
      },
      close: () => bridge.close(),
    };
  },
};
