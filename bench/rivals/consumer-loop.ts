import { countStored } from '../harness/counts.ts';
import { orderText } from '../harness/orders.ts';
import { startConsumerLoop, type LoopMode } from '../harness/run-load.ts';
import type { Rival } from './rival.ts';

/** A consumer of kafkajs and pg alone. */
export const consumerLoop = (mode: LoopMode): Rival => ({
  name: `${mode} loop`,
  messageOf: orderText,
  count: mode === 'batched' ? 100_000 : 1500,
  table: 'orders',
  prepare: () => Promise.resolve(),
  async start({ bridgeEnv, workerEnv }) {
    const load = await startConsumerLoop({ ...bridgeEnv, ...workerEnv }, mode);
    return {
      pids: { loop: load.pid },
      end: (signal) => (signal === 'SIGKILL' ? load.kill() : load.stop()),
    };
  },
  groupOf: ({ topic }) => topic.groupId,
  taken: countStored,
  kept: () => Promise.resolve(0),
});
