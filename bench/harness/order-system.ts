import { createTestSystem, type TestSystem } from '../../test/support/system.ts';
import type { Sample } from './compare.ts';
import { countStored } from './counts.ts';
import { fillTopic } from './fill-topic.ts';
import { measureRate } from './processes.ts';

/** A worker at work on a topic and a database of its own. */
export interface OrderSystem {
  readonly system: TestSystem;
  /**
   * Fills the topic, starts a bridge on it and measures orders to rows.
   *
   * @param waiting how many orders are on the topic, if more than count
   */
  ingest(count: number, waiting?: number): Promise<Sample>;
  close(): Promise<void>;
}

/**
 * @param pids the servers' processes
 * @param startWorker which worker is to run the orders; ours if left out
 */
export async function createOrderSystem(
  pids: Readonly<Record<string, number>>,
  startWorker = async (system: TestSystem): Promise<{ readonly pid: number }> =>
    system.startWorker(),
): Promise<OrderSystem> {
  const system = await createTestSystem({ partitions: 4, hasty: false });
  const worker = await startWorker(system);
  return {
    system,
    async ingest(count, waiting = count) {
      const before = await countStored(system);
      await fillTopic(system.topic, waiting);
      const bridge = await system.startBridge();
      const sample = await measureRate(
        {
          pids: { bridge: bridge.pid, worker: worker.pid, ...pids },
          done: async () => (await countStored(system)) - before,
        },
        count,
      );
      await bridge.end('SIGTERM');
      return sample;
    },
    close: () => system.close(),
  };
}
