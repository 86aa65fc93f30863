import { connectTestTemporal } from '../../test/support/temporal.ts';
import { readState } from '../../dev/stack/state.ts';
import { showSteps } from '../../dev/stack/show-steps.ts';
import { stackPlaces } from '../../dev/stack/places.ts';
import { startStack, stopStack } from '../../dev/stack/stack.ts';
import { SERVICE_NAMES, type TemporalKind } from '../../dev/stack/service.ts';

/** Kafka, Temporal with our search attributes and Postgres for one run; their addresses stand in the environment. */
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
    remove: () => stopStack(name),
  };
}
