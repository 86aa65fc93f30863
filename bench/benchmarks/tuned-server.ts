import { BRIDGE_CODE, WORKER_CODE } from '../harness/measured-code.ts';
import { measureServer, SERVER_SIDE_CODE, type ServerSide } from '../harness/server-side.ts';
import { TODAY, TUNED_SIDE } from '../variants/server-settings.ts';
import type { Benchmark } from './benchmark.ts';

const COUNTS = { full: 2000, short: 300 };

export const tunedServer: Benchmark = {
  name: 'tuned-server',
  ratio:
    'CPU of all processes except Kafka per order with the settings of docs/temporal-server.md ÷ with a server as installed',
  unit: 'CPU ms',
  goal: { atMost: 0.65 },
  only: 'postgres',
  startsServers: true,
  longOnly: true,
  code: ['bench/benchmarks/tuned-server.ts', ...SERVER_SIDE_CODE, ...BRIDGE_CODE, ...WORKER_CODE],
  prepare: (_, form) =>
    Promise.resolve({
      subject: side(TUNED_SIDE, COUNTS[form]),
      baseline: side(TODAY, COUNTS[form]),
      needsWarmUp: false,
      close: () => Promise.resolve(),
    }),
};

const side = (server: ServerSide, count: number) => ({
  name: server.name,
  async measure() {
    const { rate, cpu, totalCpu, serverMebibytes } = await measureServer(server, count);
    return {
      value: totalCpu,
      cpu,
      figures: { 'orders/s': rate, 'MiB of the server': serverMebibytes },
    };
  },
});
