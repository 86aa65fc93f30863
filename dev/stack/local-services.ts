import path from 'node:path';
import { startDaemon } from './daemon.ts';
import { freePort } from './free-port.ts';
import { kafka } from './kafka.ts';
import { withLock } from './lock.ts';
import { postgres } from './postgres.ts';
import { portsLock } from './places.ts';
import { isAlive, stopProcess } from './process-identity.ts';
import { securedKafka } from './secured-kafka.ts';
import { securedPostgres } from './secured-postgres.ts';
import { securedTemporal } from './secured-temporal.ts';
import { schemaRegistry } from './schema-registry.ts';
import type {
  LocalService,
  Ports,
  Progress,
  ServiceContext,
  ServiceName,
  StackVariant,
} from './service.ts';
import { allOrStackError } from './stack-error.ts';
import type { ServiceState } from './state.ts';
import { temporalDev } from './temporal.ts';
import { temporalOnPostgres } from './temporal-on-postgres.ts';

/** The service as a process on this machine. */
export function localService(
  service: ServiceName,
  { kind, version, tuning, certificates }: StackVariant,
): LocalService {
  switch (service) {
    case 'kafka':
      return certificates === undefined ? kafka : securedKafka;
    case 'postgres':
      return certificates === undefined ? postgres : securedPostgres;
    case 'temporal':
      if (certificates !== undefined) return securedTemporal(certificates, version);
      return kind === 'postgres' ? temporalOnPostgres(version, tuning) : temporalDev(version);
    case 'schema-registry':
      return schemaRegistry;
    default:
      return service satisfies never;
  }
}

const STOP_GRACE_MS = 20_000;

/** Throws one StackError that names every missing prerequisite, before any long download or build. */
export const checkMachine = (services: readonly LocalService[]): Promise<void> =>
  allOrStackError(services.map(async (service) => service.check()));

/** Starts the service's process unless it is running. `save` is called as soon as the process exists. */
export async function startService(
  local: LocalService,
  context: ServiceContext,
  known: ServiceState | undefined,
  save: (state: ServiceState) => void,
  progress: Progress,
): Promise<void> {
  const { report, signal } = progress;
  if (known?.source === 'process' && (await isRunning(local, known))) {
    report(`already running (${known.origin ?? 'as a process'})`);
    return;
  }
  const installed = await local.prepare(progress);
  signal?.throwIfAborted();
  const { origin } = installed;
  report(`starting (${origin})`);
  await stopService(local, known);
  // Without the lock another stack could choose the same ports and mistake this server for its own.
  const identity = await withLock(portsLock(local.name), async () => {
    const ports = await choosePorts(local, known);
    const spec = await local.configure(context, ports, installed);
    return startDaemon(
      local.title,
      spec,
      path.join(context.places.logs, `${local.name}.log`),
      () => local.probe(ports),
      (started) => {
        save({ source: 'process', ports, process: started, origin });
      },
    );
  });
  report(`started (${origin}), process ${identity.pid}`);
}

/** Stops the service's process if the stack has started one. */
export async function stopService(
  local: LocalService,
  state: ServiceState | undefined,
  signal = local.stopSignal,
): Promise<void> {
  if (state?.source !== 'process' || !state.process) return;
  await stopProcess(state.process, signal, STOP_GRACE_MS);
}

/** A service named by the environment counts as running, because the stack does not manage it. */
export async function isRunning(local: LocalService, state: ServiceState): Promise<boolean> {
  if (state.source === 'environment') return true;
  if (state.source === 'process' && !(state.process && (await isAlive(state.process))))
    return false;
  return local.probe(state.ports).then(
    () => true,
    () => false,
  );
}

/** Chooses free ports: those of the last start, else the usual ones, else any. */
export async function choosePorts(
  local: LocalService,
  known: ServiceState | undefined,
): Promise<Ports> {
  const before: Ports = known && 'ports' in known ? known.ports : {};
  const ports: Record<string, number> = {};
  for (const [name, usual] of Object.entries(local.usualPorts)) {
    ports[name] = await freePort({
      preferred: [before[name] ?? usual, usual],
      exclude: Object.values(ports),
      highest: local.highestPort,
    });
  }
  return ports;
}
