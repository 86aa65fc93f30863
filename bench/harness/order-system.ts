import type { ProgramEnv } from '../../test/support/programs.ts';
import { createTestSystem, type TestSystem } from '../../test/support/system.ts';
import type { Sample } from './compare.ts';
import { countStored } from './counts.ts';
import { fillTopic } from './fill-topic.ts';
import { measureRate } from './processes.ts';

/** Workers on their own topic and database. */
export interface OrderSystem {
  readonly system: TestSystem;
  /**
   * Fills the topic, starts bridges on it and measures the rate of orders stored.
   *
   * @param count how many orders to measure
   * @param backlog how many orders to send, if more than `count`
   */
  ingest(count: number, backlog?: number): Promise<Sample>;
  close(): Promise<void>;
}

export interface OrderSystemOptions {
  /** Starts another worker than order-ingest's. */
  readonly startWorker?: (system: TestSystem) => Promise<{ readonly pid: number }>;
  readonly bridgeEnv?: ProgramEnv;
  readonly workers?: number;
  readonly bridges?: number;
  /** Instead of bridges and workers; one that keeps running, with these variables. */
  readonly inOneProcess?: ProgramEnv | undefined;
  /** Other servers than those of the run. */
  readonly servers?: { readonly temporalAddress: string; readonly databaseUrl: string };
}

/** @param pids the processes of the servers */
export async function createOrderSystem(
  pids: Readonly<Record<string, number>>,
  {
    startWorker = (system) => system.startWorker(),
    bridgeEnv = {},
    workers = 1,
    bridges = 1,
    inOneProcess,
    servers,
  }: OrderSystemOptions = {},
): Promise<OrderSystem> {
  const system = await createTestSystem({ partitions: 4, fastSettings: false, ...servers });
  if (inOneProcess) return systemInOneProcess(system, pids, inOneProcess);
  const started = await Promise.all(times(workers, () => startWorker(system)));
  return {
    system,
    async ingest(count, backlog = count) {
      const before = await countStored(system);
      await fillTopic(system.topic, backlog);
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

async function systemInOneProcess(
  system: TestSystem,
  pids: Readonly<Record<string, number>>,
  env: ProgramEnv,
): Promise<OrderSystem> {
  const { pid } = await system.startBoth(env);
  return {
    system,
    async ingest(count, backlog = count) {
      const before = await countStored(system);
      await fillTopic(system.topic, backlog);
      const done = async () => (await countStored(system)) - before;
      return measureRate({ pids: { run: pid, ...pids }, done }, count);
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
