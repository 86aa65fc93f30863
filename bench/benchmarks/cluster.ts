import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import { measureServer, SERVER_SIDE_CODE, type ServerSide } from '../harness/server-side.ts';
import { TUNED_SIDE } from '../variants/server-settings.ts';
import type { Benchmark } from './benchmark.ts';

const COUNTS = { full: 2000, short: 300 };

const ONE_SERVER: ServerSide = {
  ...TUNED_SIDE,
  name: 'one process',
  // The default partitions, so that both hosts of matching have some.
  tuning: { ...TUNED_SIDE.tuning, taskQueuePartitions: 4, metrics: true },
};

const CLUSTER: ServerSide = {
  ...ONE_SERVER,
  name: 'a process per service, two of history and matching',
  tuning: {
    ...ONE_SERVER.tuning,
    hosts: { frontend: 1, history: 2, matching: 2, worker: 1 },
  },
};

/**
 * The capacity calculator takes from it what an order costs each service of Temporal. The baseline shows whether an order
 * costs the same, and makes as many calls, with all services in one process.
 */
export const cluster: Benchmark = {
  name: 'cluster',
  ratio:
    "CPU of Temporal's server per order with separate processes for its services, two of history and matching ÷ with one process",
  unit: 'CPU ms',
  only: 'postgres',
  startsServers: true,
  longOnly: true,
  code: [
    ...['bench/benchmarks/cluster.ts', 'bench/variants/server-settings.ts'],
    ...[...SERVER_SIDE_CODE, ...BRIDGE_CODE, ...WORKER_CODE],
  ],
  prepare: (_, form) =>
    Promise.resolve({
      subject: side(CLUSTER, COUNTS[form]),
      baseline: side(ONE_SERVER, COUNTS[form]),
      needsWarmUp: false,
      close: () => Promise.resolve(),
    }),
};

const side = (server: ServerSide, count: number) => ({
  name: server.name,
  async measure() {
    const { rate, cpu, serverMebibytes, calls } = await measureServer(server, count);
    const ofTemporal = Object.entries(cpu).filter(([name]) => name.startsWith('temporal'));
    return {
      value: ofTemporal.reduce((sum, [, ms]) => sum + ms, 0),
      cpu,
      figures: { 'orders/s': rate, 'MiB of the server': serverMebibytes, ...calls },
    };
  },
});
