import type { ProgramEnv } from '../../test/support/programs.ts';
import { createTestSystem } from '../../test/support/system.ts';
import type { Sample } from './compare.ts';
import { progressOf } from './counts.ts';
import { fillTopic } from './fill-topic.ts';
import { measureRate } from './processes.ts';

/** A bridge on its own topic, without a worker that runs its workflows. */
export interface LoneBridge {
  /**
   * Sends orders to the topic, starts a bridge on it and measures the rate at which it handles them.
   *
   * @param outcome the expected outcome of every message
   * @param run as in `fillTopic`
   */
  read(
    outcome: 'started' | 'duplicates',
    count: number,
    run?: string,
    env?: ProgramEnv,
  ): Promise<Sample>;
  close(): Promise<void>;
}

/** @param pids the processes of the servers */
export async function createLoneBridge(
  pids: Readonly<Record<string, number>>,
): Promise<LoneBridge> {
  const system = await createTestSystem({ partitions: 4, fastSettings: false });
  return {
    async read(outcome, count, run, env = {}) {
      await fillTopic(system.topic, count, run);
      const bridge = await system.startBridge({
        BRIDGE_PROGRESS_INTERVAL_MS: '100',
        // No worker runs, so all orders stay open.
        BRIDGE_MAX_WAITING_ORDERS: '1000000',
        ...env,
      });
      const sample = await measureRate(
        { pids: { bridge: bridge.pid, ...pids }, done: () => progressOf(bridge, outcome) },
        count,
      );
      await bridge.end('SIGTERM');
      return sample;
    },
    close: () => system.close(),
  };
}
