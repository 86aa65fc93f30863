import { constants } from 'node:os';
import { connectTestTemporal } from '../../test/support/temporal.ts';
import { signalProcess } from '../../dev/stack/process-identity.ts';
import { readState } from '../../dev/stack/state.ts';
import { showSteps } from '../../dev/stack/show-steps.ts';
import { stackPlaces } from '../../dev/stack/places.ts';
import { startStack, stopStack } from '../../dev/stack/stack.ts';
import { SERVICE_NAMES, type TemporalKind } from '../../dev/stack/service.ts';
import { descendantsOf } from './processes.ts';

const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Kafka, Temporal with our search attributes and Postgres for one run; their addresses stand in the
 * environment. A signal that ends the run ends them too, and every program that it has started.
 */
export interface BenchStack {
  /** The servers' processes by their names, for what CPU they use. */
  readonly pids: Readonly<Record<string, number>>;
  /** Where Go's profiler answers, of Temporal on Postgres. */
  readonly pprofPort: number;
  remove(): Promise<void>;
}

export async function startBenchStack(temporalKind: TemporalKind): Promise<BenchStack> {
  const name = `bench-${process.pid}`;
  const env = { ...process.env, KAFKA_BROKERS: '', TEMPORAL_ADDRESS: '', DATABASE_URL: '' };
  const endOn = (signal: NodeJS.Signals) => void endEverything(name, signal);
  for (const signal of ENDING_SIGNALS) process.once(signal, endOn);
  const addresses = await startStack({ name, ephemeral: true, temporalKind, env }, showSteps);
  Object.assign(process.env, addresses);
  const client = await connectTestTemporal();
  await client.connection.close();
  const services = readState(stackPlaces(name))?.services;
  const temporal = services?.temporal;
  const pprofPort = temporal?.source === 'process' ? (temporal.ports['pprof'] ?? 0) : 0;
  const pids = SERVICE_NAMES.flatMap((service) => {
    const state = services?.[service];
    return state?.source === 'process' && state.process ? [[service, state.process.pid]] : [];
  });
  return {
    pids: Object.fromEntries(pids) as Record<string, number>,
    pprofPort,
    async remove() {
      await stopStack(name);
      for (const signal of ENDING_SIGNALS) process.off(signal, endOn);
    },
  };
}

async function endEverything(name: string, signal: NodeJS.Signals): Promise<void> {
  // What is under way fails as its servers go.
  process.on('uncaughtException', () => undefined);
  await stopStack(name);
  for (const pid of descendantsOf(process.pid)) signalProcess(pid, 'SIGKILL');
  process.exit(128 + constants.signals[signal]);
}
