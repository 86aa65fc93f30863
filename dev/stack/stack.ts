import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { isGiven, stackAddresses, type Addresses } from './addresses.ts';
import {
  deleteContainers,
  hasContainerEngine,
  startContainer,
  stopContainers,
} from './container-engine.ts';
import {
  checkMachine,
  choosePorts,
  isRunning,
  LOCAL_SERVICES,
  startService,
  stopService,
} from './local-services.ts';
import { STACKS_DIR, stackPlaces } from './places.ts';
import { identify, isAlive, stopProcess } from './process-identity.ts';
import { SERVICE_NAMES, type Report, type ServiceName } from './service.ts';
import { StackError } from './stack-error.ts';
import { readState, withLock, writeState, type ServiceState, type StackState } from './state.ts';

/** How long a program of ours may take to end. */
const PROGRAM_GRACE_MS = 20_000;

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
    let state: StackState = {
      services: {},
      ...readState(places),
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
            await stopService(service, state.services[service]);
            save(service, { source: 'container', ports });
            await startContainer(places, service, ports);
          } else {
            await startService(
              service,
              { places, ephemeral },
              state.services[service],
              (started) => {
                save(service, started);
              },
              report,
            );
          }
        },
      })),
    );
    return stackAddresses(state, env);
  });
}

/**
 * Makes this process the one that runs programs on the stack: those that a killed one has left behind
 * are stopped. Throws a StackError when another `npm start` is at work.
 */
export async function claimStack(name: string): Promise<void> {
  const places = stackPlaces(name);
  await withLock(places, async () => {
    const state = readState(places) ?? { services: {}, ephemeral: false };
    if (state.runner && (await isAlive(state.runner))) {
      throw new StackError(
        `npm start is at work on this stack already, as process ${state.runner.pid}: stop that first, or use another stack with --name`,
      );
    }
    await stopPrograms(state);
    const runner = await identify(process.pid);
    writeState(places, { ...state, programs: [], ...(runner ? { runner } : {}) });
  });
}

/** Remembers a program that runs on the stack, so that it is stopped with it. */
export async function rememberProgram(name: string, pid: number): Promise<void> {
  const places = stackPlaces(name);
  const program = await identify(pid);
  await withLock(places, () => {
    const state = readState(places);
    if (program && state) {
      writeState(places, { ...state, programs: [...(state.programs ?? []), program] });
    }
    return Promise.resolve();
  });
}

/** Stops what this stack started, and nothing else. An ephemeral stack is deleted. */
export async function stopStack(name: string): Promise<void> {
  const places = stackPlaces(name);
  await withLock(places, async () => {
    const state = readState(places);
    if (!state) return;
    await stopPrograms(state);
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

/** What runs now, and where it comes from. */
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

async function stopPrograms({ programs = [] }: StackState): Promise<void> {
  await Promise.all(programs.map((program) => stopProcess(program, 'SIGTERM', PROGRAM_GRACE_MS)));
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
