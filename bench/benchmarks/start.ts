import { INGEST_ORDER } from '../../src/contract/ingest-order.ts';
import { stackAddress, uniqueName } from '../../test/support/stack.ts';
import { createLoneBridge } from '../harness/lone-bridge.ts';
import { measureRate } from '../harness/processes.ts';
import { startStartLoop } from '../harness/run-load.ts';
import type { Benchmark } from './benchmark.ts';

const COUNT = 3000;
/** The bridge's default. */
const CONCURRENCY = 50;

export const start: Benchmark = {
  name: 'start',
  ratio: "the bridge's starts ÷ a bare loop of client.workflow.start with the same inputs",
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
        async measure() {
          const env = {
            TEMPORAL_ADDRESS: stackAddress('TEMPORAL_ADDRESS'),
            TEMPORAL_TASK_QUEUE: uniqueName('nobody'),
          };
          const client = await startStartLoop(env, {
            type: INGEST_ORDER,
            prefix: uniqueName('order'),
            count: COUNT,
            concurrency: CONCURRENCY,
            asTheBridge: true,
          });
          const sample = await measureRate(
            { pids: { client: client.pid, ...pids }, done: client.done },
            COUNT,
          );
          await client.stop();
          return sample;
        },
      },
      close: () => bridge.close(),
    };
  },
};
