import type { ProgramEnv } from '../../test/support/programs.ts';
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

export interface OrderSystemOptions {
  /** Which worker is to run the orders; ours if left out. */
  readonly startWorker?: (system: TestSystem) => Promise<{ readonly pid: number }>;
  readonly bridgeEnv?: ProgramEnv;
  readonly workers?: number;
  readonly bridges?: number;
}

/** @param pids the servers' processes */
export async function createOrderSystem(
  pids: Readonly<Record<string, number>>,
  {
    startWorker = (system) => system.startWorker(),
    bridgeEnv = {},
    workers = 1,
    bridges = 1,
  }: OrderSystemOptions = {},
): Promise<OrderSystem> {
  const system = await createTestSystem({ partitions: 4, fastSettings: false });
  const started = await Promise.all(times(workers, () => startWorker(system)));
  return {
    system,
    async ingest(count, waiting = count) {
      const before = await countStored(system);
      await fillTopic(system.topic, waiting);
      const reading = await Promise.all(times(bridges, () => system.startBridge(bridgeEnv)));
      const sample = await measureRate(
        {
          pids: { ...named('bridge', reading), ...named('worker', started), ...pids },
          done: async () => (await countStored(system)) - before,
        },
        count,
      );
      await Promise.all(reading.map((bridge) => bridge.end('SIGTERM')));
      return sample;
    },
    close: () => system.close(),
  };
}

const times = <Result>(count: number, make: () => Result): Result[] =>
  Array.from({ length: count }, make);

const named = (
  name: string,
  processes: readonly { readonly pid: number }[],
): Readonly<Record<string, number>> =>
  Object.fromEntries(
    processes.map(({ pid }, index) => [index === 0 ? name : `${name} ${index + 1}`, pid]),
  );
