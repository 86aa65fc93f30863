import path from 'node:path';
import { startDaemon } from './daemon.ts';
import { freePort } from './free-port.ts';
import { kafka } from './kafka.ts';
import { postgres } from './postgres.ts';
import { portsLock } from './places.ts';
import { isAlive, stopProcess } from './process-identity.ts';
import type {
  LocalService,
  Ports,
  Report,
  ServiceContext,
  ServiceName,
  TemporalKind,
} from './service.ts';
import { StackError } from './stack-error.ts';
import { withLock, type ServiceState } from './state.ts';
import { temporal } from './temporal.ts';
import { temporalOnPostgres } from './temporal-on-postgres.ts';

/** The service as a process of this machine. */
export function localService(service: ServiceName, temporalKind: TemporalKind): LocalService {
  switch (service) {
    case 'kafka':
      return kafka;
    case 'postgres':
      return postgres;
    case 'temporal':
      return temporalKind === 'postgres' ? temporalOnPostgres : temporal;
    default:
      return service satisfies never;
  }
}

const START_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 20_000;

/** Throws one StackError for all that the machine lacks, before anything takes its time. */
export async function checkMachine(services: readonly LocalService[]): Promise<void> {
  const checks = await Promise.allSettled(services.map(async (service) => service.check()));
  const messages: string[] = [];
  for (const check of checks) {
    if (check.status === 'fulfilled') continue;
    if (!(check.reason instanceof StackError)) throw check.reason;
    messages.push(check.reason.message);
  }
  if (messages.length > 0) throw new StackError(messages.join('\n'));
}

/** Starts the service's process unless it runs. `save` is told of the process as soon as it exists. */
export async function startService(
  local: LocalService,
  context: ServiceContext,
  known: ServiceState | undefined,
  save: (state: ServiceState) => void,
  report: Report,
): Promise<void> {
  if (known?.source === 'process' && (await isRunning(local, known))) {
    report('runs already');
    return;
  }
  await local.prepare(report);
  report('starting');
  await stopService(local, known);
  // Another stack would find the same ports free, and then take this one's server for its own.
  const identity = await withLock(portsLock(local.name), async () => {
    const ports = await choosePorts(local, known);
    const spec = await local.configure(context, ports);
    return startDaemon(
      local.title,
      spec,
      path.join(context.places.logs, `${local.name}.log`),
      () => local.probe(ports),
      START_TIMEOUT_MS,
      (started) => {
        save({ source: 'process', ports, process: started });
      },
    );
  });
  report(`started, process ${identity.pid}`);
}

/** Stops the service's process, if it has one of ours. */
export async function stopService(
  local: LocalService,
  state: ServiceState | undefined,
): Promise<void> {
  if (state?.source !== 'process' || !state.process) return;
  await stopProcess(state.process, local.stopSignal, STOP_GRACE_MS);
}

/** A service from elsewhere counts as running: it is not ours to judge. */
export async function isRunning(local: LocalService, state: ServiceState): Promise<boolean> {
  if (state.source === 'environment') return true;
  if (state.source === 'process' && !(state.process && (await isAlive(state.process))))
    return false;
  return local.probe(state.ports).then(
    () => true,
    () => false,
  );
}

/** The ports of last time, else the usual ones, else any: whichever are free. */
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
