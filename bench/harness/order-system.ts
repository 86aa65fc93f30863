import { setTimeout as delay } from 'node:timers/promises';
import { createTestSystem, type TestSystem } from '../../test/support/system.ts';
import type { Sample } from './compare.ts';
import { countStored } from './counts.ts';
import { fillTopic } from './fill-topic.ts';
import { ordersPerSecond, timed } from './processes.ts';

const POLL_MS = 50;

/** A bridge and a worker at work on a topic and a database of their own. */
export interface OrderSystem {
  readonly system: TestSystem;
  /** Puts orders on the topic and waits until all of them are rows; in orders a second. */
  ingest(count: number): Promise<Sample>;
  close(): Promise<void>;
}

/**
 * @param startWorker which worker is to run the orders; ours if left out
 * @param pids the servers' processes
 */
export async function createOrderSystem(
  pids: Readonly<Record<string, number>>,
  startWorker = async (system: TestSystem): Promise<{ readonly pid: number }> =>
    system.startWorker(),
): Promise<OrderSystem> {
  const system = await createTestSystem({ partitions: 4 });
  const worker = await startWorker(system);
  const bridge = await system.startBridge();
  return {
    system,
    async ingest(count) {
      const before = await countStored(system);
      return ordersPerSecond({ bridge: bridge.pid, worker: worker.pid, ...pids }, count, () =>
        timed(async () => {
          await fillTopic(system.topic, count);
          while ((await countStored(system)) < before + count) await delay(POLL_MS);
        }),
      );
    },
    close: () => system.close(),
  };
}
