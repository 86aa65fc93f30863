import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import getPort from 'get-port';
import { isGiven, stackAddresses, type Addresses } from './addresses.ts';
import {
  deleteContainers,
  hasContainerEngine,
  startContainer,
  stopContainers,
} from './container-engine.ts';
import { startDaemon } from './daemon.ts';
import { kafka } from './kafka.ts';
import { STACKS_DIR, stackPlaces, type StackPlaces } from './places.ts';
import { postgres } from './postgres.ts';
import { identify, isAlive, stopProcess } from './process-identity.ts';
import {
  SERVICE_NAMES,
  type LocalService,
  type Ports,
  type Report,
  type ServiceName,
} from './service.ts';
import { StackError } from './stack-error.ts';
import { readState, withLock, writeState, type ServiceState, type StackState } from './state.ts';
import { temporal } from './temporal.ts';

export const LOCAL_SERVICES: Readonly<Record<ServiceName, LocalService>> = {
  kafka,
  temporal,
  postgres,
};

const START_TIMEOUT_MS = 60_000;
const STOP_GRACE_MS = 20_000;

export interface StackOptions {
  readonly name: string;
  /** The stack lives as long as this process and leaves nothing behind. */
  readonly ephemeral?: boolean;
  readonly env?: NodeJS.ProcessEnv;
}

/** One service to bring up, for whoever shows the progress. */
export interface StartStep {
  readonly title: string;
  readonly run: (report: Report) => Promise<void>;
}

/**
 * Starts what does not run yet and answers with the addresses. Each service comes from the first
 * that applies: an address in the environment, a container engine, a process of this machine.
 *
 * @param runSteps runs all steps, at once if it likes, and shows how they get on
 */
export async function startStack(
  { name, ephemeral = false, env = process.env }: StackOptions,
  runSteps: (steps: readonly StartStep[]) => Promise<void>,
): Promise<Addresses> {
  const places = stackPlaces(name);
  if (ephemeral) await removeAbandonedStacks();
  return withLock(places, async () => {
    const owner = ephemeral ? await identify(process.pid) : undefined;
    const before = readState(places);
    if (before) await stopPrograms(places, before);
    let state: StackState = {
      services: before?.services ?? {},
      ephemeral,
      ...(owner ? { owner } : {}),
    };
    const save = (service: ServiceName, serviceState: ServiceState) => {
      state = { ...state, services: { ...state.services, [service]: serviceState } };
      writeState(places, state);
    };
    const isElsewhere = (service: ServiceName) => isGiven(service, env, state.services[service]);
    const engine = !SERVICE_NAMES.every(isElsewhere) && (await hasContainerEngine());
    if (!engine) await checkMachine(SERVICE_NAMES.filter((service) => !isElsewhere(service)));
    mkdirSync(places.dir, { recursive: true });
    await runSteps(
      SERVICE_NAMES.map((service) => ({
        title: LOCAL_SERVICES[service].title,
        run: async (report) => {
          if (isElsewhere(service)) {
            await stopService(service, state.services[service]);
            save(service, { source: 'environment' });
            report('address given in the environment');
          } else if (engine) {
            const ports = await choosePorts(service, state.services[service]);
            save(service, { source: 'container', ports });
            await startContainer(places, service, ports);
          } else {
            await startProcess(places, service, state, save, report);
          }
        },
      })),
    );
    return stackAddresses(state, env);
  });
}

/** Throws one StackError for all that is missing, before anything takes its time. */
async function checkMachine(services: readonly ServiceName[]): Promise<void> {
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

/** Remembers a program that runs on the stack, so that it is stopped with it, or before a new one. */
export async function rememberProgram(name: string, pid: number): Promise<void> {
  const places = stackPlaces(name);
  const program = await identify(pid);
  const state = readState(places);
  if (!program || !state) return;
  writeState(places, { ...state, programs: [...(state.programs ?? []), program] });
}

/** Stops what this stack started, and nothing else. An ephemeral stack is deleted. */
export async function stopStack(name: string): Promise<void> {
  const places = stackPlaces(name);
  await withLock(places, async () => {
    const state = readState(places);
    if (!state) return;
    await stopPrograms(places, state);
    const sources = Object.entries(state.services) as [ServiceName, ServiceState][];
    await Promise.all(sources.map(([service, serviceState]) => stopService(service, serviceState)));
    const inContainers = sources.some(([, { source }]) => source === 'container');
    if (!state.ephemeral) {
      if (inContainers) await stopContainers(places);
      return;
    }
    if (inContainers) await deleteContainers(places);
    for (const service of SERVICE_NAMES) await LOCAL_SERVICES[service].deleteData(places);
    rmSync(places.dir, { recursive: true, force: true });
  });
}

export interface ServiceStatus {
  readonly service: ServiceName;
  readonly source: ServiceState['source'] | 'none';
  readonly running: boolean;
}

/** What runs now. A service from elsewhere counts as running: it is not ours to judge. */
export async function stackStatus(name: string): Promise<readonly ServiceStatus[]> {
  const state = readState(stackPlaces(name));
  return Promise.all(
    SERVICE_NAMES.map(async (service) => {
      const known = state?.services[service];
      return {
        service,
        source: known?.source ?? 'none',
        running: known !== undefined && (await isRunning(service, known)),
      };
    }),
  );
}

async function stopPrograms(places: StackPlaces, state: StackState): Promise<void> {
  await Promise.all(
    (state.programs ?? []).map((program) => stopProcess(program, 'SIGTERM', STOP_GRACE_MS)),
  );
  writeState(places, { ...state, programs: [] });
}

/** Stops the service's process, if it has one of ours. */
async function stopService(service: ServiceName, state: ServiceState | undefined): Promise<void> {
  if (state?.source !== 'process' || !state.process) return;
  await stopProcess(state.process, LOCAL_SERVICES[service].stopSignal, STOP_GRACE_MS);
}

async function startProcess(
  places: StackPlaces,
  service: ServiceName,
  state: StackState,
  save: (service: ServiceName, state: ServiceState) => void,
  report: Report,
): Promise<void> {
  const known = state.services[service];
  if (known?.source === 'process' && (await isRunning(service, known))) {
    report('runs already');
    return;
  }
  const local = LOCAL_SERVICES[service];
  await local.prepare(report);
  report('starting');
  await stopService(service, known);
  const ports = await choosePorts(service, known);
  const spec = await local.configure({ places, ephemeral: state.ephemeral }, ports);
  const identity = await startDaemon(
    local.title,
    spec,
    path.join(places.logs, `${service}.log`),
    () => local.probe(ports),
    START_TIMEOUT_MS,
    (started) => {
      save(service, { source: 'process', ports, process: started });
    },
  );
  report(`started, process ${identity.pid}`);
}

async function isRunning(service: ServiceName, state: ServiceState): Promise<boolean> {
  if (state.source === 'environment') return true;
  if (state.source === 'process' && !(state.process && (await isAlive(state.process))))
    return false;
  return LOCAL_SERVICES[service].probe(state.ports).then(
    () => true,
    () => false,
  );
}

/** The ports of last time, else the usual ones, else any: whichever are free. */
async function choosePorts(service: ServiceName, known: ServiceState | undefined): Promise<Ports> {
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

/** Stacks of tests and benchmarks that were killed before they could clear up. */
async function removeAbandonedStacks(): Promise<void> {
  if (!existsSync(STACKS_DIR)) return;
  for (const entry of readdirSync(STACKS_DIR, { withFileTypes: true, recursive: false })) {
    if (!entry.isDirectory()) continue;
    const state = readState(stackPlaces(entry.name));
    if (state?.ephemeral && state.owner && !(await isAlive(state.owner))) {
      await stopStack(entry.name);
    }
  }
}
