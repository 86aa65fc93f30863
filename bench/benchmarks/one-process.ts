import { percentileOf } from '../harness/latencies.ts';
import { ONE_PROCESS_CODE } from '../harness/measured-code.ts';
import type { Comparison, Goal, Side } from '../harness/compare.ts';
import {
  measureServer,
  measureServerLatencies,
  SERVER_SIDE_CODE,
  type ServerSide,
} from '../harness/server-side.ts';
import { TODAY, TUNED_SIDE } from '../variants/server-settings.ts';
import type { Benchmark, Form } from './benchmark.ts';

const COUNTS = { full: 2000, short: 300 };
/** A pace that both sides keep up with. */
const PER_SECOND = 15;
const PERCENTILES = [50, 99];

const ONE_PROCESS: ServerSide = { ...TUNED_SIDE, name: 'one process', inOneProcess: true };
const SEPARATE: ServerSide = { ...TODAY, name: 'separate programs' };

const oneProcessRatio = (what: string) =>
  `${what}, with order-ingest run and the settings of docs/temporal-server.md ÷ with a bridge, a worker and a server as installed`;

/** `order-ingest run` on a tuned server, compared with a bridge and a worker on a server as installed. */
const oneProcess = (
  name: string,
  {
    ratio,
    unit,
    goal,
    measure,
  }: {
    readonly ratio: string;
    readonly unit: string;
    readonly goal: Goal;
    readonly measure: (server: ServerSide, count: number) => ReturnType<Side['measure']>;
  },
): Benchmark => ({
  name,
  ratio: oneProcessRatio(ratio),
  unit,
  goal,
  only: 'postgres',
  startsServers: true,
  longOnly: true,
  code: ['bench/benchmarks/one-process.ts', ...SERVER_SIDE_CODE, ...ONE_PROCESS_CODE],
  prepare: (_, form: Form): Promise<Comparison> => {
    const side = (server: ServerSide): Side => ({
      name: server.name,
      measure: () => measure(server, COUNTS[form]),
    });
    return Promise.resolve({
      subject: side(ONE_PROCESS),
      baseline: side(SEPARATE),
      needsWarmUp: false,
      close: () => Promise.resolve(),
    });
  },
});

const oneProcessCpu = oneProcess('one-process-cpu', {
  ratio: 'CPU of all processes except Kafka per order',
  unit: 'CPU ms',
  goal: { atMost: 0.5 },
  async measure(server, count) {
    const { rate, cpu, totalCpu } = await measureServer(server, count);
    return { value: totalCpu, cpu, figures: { 'orders/s': rate } };
  },
});

const oneProcessRate: Benchmark = {
  ...oneProcessCpu,
  name: 'one-process-rate',
  ratio: oneProcessRatio('orders from a full topic to rows'),
  unit: 'orders/s',
  goal: { atLeast: 2 },
  measuredBy: { name: oneProcessCpu.name, figure: 'orders/s' },
};

const oneProcessLatency = oneProcess('one-process-latency', {
  ratio: `p50 of the time from message to row at ${PER_SECOND} orders per second`,
  unit: 'ms',
  goal: { atMost: 0.7 },
  async measure(server, count) {
    const latencies = await measureServerLatencies(server, count / 4, PER_SECOND);
    const [value = Number.NaN, p99 = Number.NaN] = PERCENTILES.map((percentile) =>
      percentileOf(latencies, percentile),
    );
    return { value, figures: { p99 } };
  },
});

export const ONE_PROCESS_BENCHMARKS = [oneProcessCpu, oneProcessRate, oneProcessLatency] as const;
