import { setTimeout as delay } from 'node:timers/promises';
import { createTestSystem } from '../../test/support/system.ts';
import type { Sample } from './compare.ts';
import { progressOf } from './counts.ts';
import { fillTopic } from './fill-topic.ts';
import { ordersPerSecond, timed } from './processes.ts';

const POLL_MS = 20;

/** A bridge on a topic of its own, whose workflows nobody runs. */
export interface LoneBridge {
  /**
   * Puts orders on the topic and waits until the bridge has dealt with all of them; in orders a
   * second.
   *
   * @param outcome how all of them are to end
   * @param run as in `fillTopic`
   */
  read(outcome: 'started' | 'duplicates', count: number, run?: string): Promise<Sample>;
  close(): Promise<void>;
}

/** @param pids the servers' processes */
export async function createLoneBridge(
  pids: Readonly<Record<string, number>>,
): Promise<LoneBridge> {
  const system = await createTestSystem({ partitions: 4 });
  const bridge = await system.startBridge({ BRIDGE_PROGRESS_INTERVAL_MS: '100' });
  return {
    async read(outcome, count, run) {
      const before = progressOf(bridge, outcome);
      return ordersPerSecond({ bridge: bridge.pid, ...pids }, count, () =>
        timed(async () => {
          await fillTopic(system.topic, count, run);
          while (progressOf(bridge, outcome) < before + count) await delay(POLL_MS);
        }),
      );
    },
    close: () => system.close(),
  };
}
