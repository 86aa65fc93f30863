import { readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { connectTestTemporal } from '../../test/support/temporal.ts';
import { signalProcess } from '../../dev/stack/process-identity.ts';
import { readState } from '../../dev/stack/state.ts';
import { showSteps } from '../../dev/stack/show-steps.ts';
import { NAMESPACE } from '../../dev/stack/temporal.ts';
import { stackPlaces } from '../../dev/stack/places.ts';
import { startStack, stopStack } from '../../dev/stack/stack.ts';
import { SERVICE_NAMES, type TemporalKind } from '../../dev/stack/service.ts';
import { metricsPorts } from '../../dev/stack/temporal-cluster.ts';
import { TUNED, type TemporalTuning } from '../../dev/stack/temporal-tuning.ts';
import { descendantsOf } from './processes.ts';

/** The server's `pollInterval`, which has this minimum. */
const DYNAMIC_CONFIG_POLL_MS = 10_000;
const ENDING_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Kafka, Temporal with the search attributes, and Postgres for one run. Their addresses are in the
 * environment. A signal that ends the run also stops them and every program that the run has started.
 */
export interface BenchStack {
  /** The process IDs of the servers by name, to measure their CPU time. */
  readonly pids: Readonly<Record<string, number>>;
  /** Of Temporal. */
  readonly serverVersion: string;
  /** The port of Go's profiler; 0 for the dev server, which has none. */
  readonly pprofPort: number;
  /** Where each process of Temporal reports metrics: none unless the server was started with them. */
  readonly metricsPorts: readonly number[];
  /** Adds settings to the dynamic configuration of a server on Postgres, and waits until it has read them. */
  setDynamicConfig(settings: Readonly<Record<string, string | number>>): Promise<void>;
  remove(): Promise<void>;
}

/**
 * @param temporalKind `none` if the measurements start Temporal servers of their own
 * @param metrics whether a server on Postgres reports metrics
 * @param tuning of a server on Postgres
 */
export async function startBenchStack(
  temporalKind: TemporalKind | 'none',
  {
    metrics = false,
    tuning: given = TUNED,
  }: { readonly metrics?: boolean; readonly tuning?: TemporalTuning } = {},
): Promise<BenchStack> {
  const name = `bench-${process.pid}`;
  const noTemporal = { TEMPORAL_ADDRESS: 'none', TEMPORAL_NAMESPACE: NAMESPACE };
  const env = {
    ...process.env,
    ...{ KAFKA_BROKERS: '', TEMPORAL_ADDRESS: '', DATABASE_URL: '' },
    ...(temporalKind === 'none' ? noTemporal : {}),
  };
  // Not `once`: execa ends the process on a signal for which it finds no other listener.
  const stopOn = (signal: NodeJS.Signals) => void stopEverything(name, signal);
  for (const signal of ENDING_SIGNALS) process.on(signal, stopOn);
  const kind = temporalKind === 'none' ? undefined : temporalKind;
  const tuning = { ...given, metrics };
  const addresses = await startStack(
    {
      ...{ name, ephemeral: true, temporalKind: kind, env },
      ...(kind === 'postgres' ? { temporalTuning: tuning } : {}),
    },
    showSteps,
  );
  Object.assign(process.env, addresses);
  let serverVersion = '';
  if (kind) {
    const client = await connectTestTemporal();
    ({ serverVersion } = await client.workflowService.getSystemInfo({}));
    await client.connection.close();
  }
  const services = readState(stackPlaces(name))?.services;
  const temporal = services?.temporal;
  const ports = temporal?.source === 'process' ? temporal.ports : {};
  const pids = SERVICE_NAMES.flatMap((service) => {
    const state = services?.[service];
    return state?.source === 'process' && state.process ? [[service, state.process.pid]] : [];
  });
  return {
    pids: Object.fromEntries(pids) as Record<string, number>,
    serverVersion,
    pprofPort: ports['pprof'] ?? 0,
    metricsPorts: metrics ? metricsPorts(ports, tuning) : [],
    async setDynamicConfig(settings) {
      const file = path.join(stackPlaces(name).dir, 'temporal/config/dynamic.yaml');
      const added = Object.entries(settings).map(([key, value]) => [key, [{ value }]] as const);
      const before = parse(readFileSync(file, 'utf8')) as Readonly<Record<string, unknown>>;
      writeFileSync(file, stringify({ ...before, ...Object.fromEntries(added) }));
      await delay(DYNAMIC_CONFIG_POLL_MS + 2000);
    },
    async remove() {
      await stopStack(name);
      for (const signal of ENDING_SIGNALS) process.off(signal, stopOn);
    },
  };
}

async function stopEverything(name: string, signal: NodeJS.Signals): Promise<void> {
  // Work in progress fails when its servers stop.
  process.on('uncaughtException', () => undefined);
  await stopStack(name);
  for (const pid of descendantsOf(process.pid)) signalProcess(pid, 'SIGKILL');
  process.exit(128 + constants.signals[signal]);
}
