import path from 'node:path';
import getPort from 'get-port';
import { startDaemon } from './daemon.ts';
import { kafka } from './kafka.ts';
import { postgres } from './postgres.ts';
import { isAlive, stopProcess } from './process-identity.ts';
import type { LocalService, Ports, Report, ServiceContext, ServiceName } from './service.ts';
import { StackError } from './stack-error.ts';
import type { ServiceState } from './state.ts';
import { temporal } from './temporal.ts';

export const LOCAL_SERVICES: Readonly<Record<ServiceName, LocalService>> = {
  kafka,
  temporal,
  postgres,
};

const START_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 20_000;

/** Throws one StackError for all that the machine lacks, before anything takes its time. */
export async function checkMachine(services: readonly ServiceName[]): Promise<void> {
  const checks = await Promise.allSettled(
    services.map(async (service) => LOCAL_SERVICES[service].check()),
  );
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
  service: ServiceName,
  context: ServiceContext,
  known: ServiceState | undefined,
  save: (state: ServiceState) => void,
  report: Report,
): Promise<void> {
  if (known?.source === 'process' && (await isRunning(service, known))) {
    report('runs already');
    return;
  }
  const local = LOCAL_SERVICES[service];
  await local.prepare(report);
  report('starting');
  await stopService(service, known);
  const ports = await choosePorts(service, known);
  const spec = await local.configure(context, ports);
  const identity = await startDaemon(
    local.title,
    spec,
    path.join(context.places.logs, `${service}.log`),
    () => local.probe(ports),
    START_TIMEOUT_MS,
    (started) => {
      save({ source: 'process', ports, process: started });
    },
  );
  report(`started, process ${identity.pid}`);
}

/** Stops the service's process, if it has one of ours. */
export async function stopService(
  service: ServiceName,
  state: ServiceState | undefined,
): Promise<void> {
  if (state?.source !== 'process' || !state.process) return;
  await stopProcess(state.process, LOCAL_SERVICES[service].stopSignal, STOP_GRACE_MS);
}

/** A service from elsewhere counts as running: it is not ours to judge. */
export async function isRunning(service: ServiceName, state: ServiceState): Promise<boolean> {
  if (state.source === 'environment') return true;
  if (state.source === 'process' && !(state.process && (await isAlive(state.process))))
    return false;
  return LOCAL_SERVICES[service].probe(state.ports).then(
    () => true,
    () => false,
  );
}

/** The ports of last time, else the usual ones, else any: whichever are free. */
export async function choosePorts(
  service: ServiceName,
  known: ServiceState | undefined,
): Promise<Ports> {
  const before: Ports = known && 'ports' in known ? known.ports : {};
  const ports: Record<string, number> = {};
  for (const [name, usual] of Object.entries(LOCAL_SERVICES[service].usualPorts)) {
    ports[name] = await getPort({
      host: '127.0.0.1',
      port: [before[name] ?? usual, usual],
      exclude: Object.values(ports),
    });
  }
  return ports;
}
