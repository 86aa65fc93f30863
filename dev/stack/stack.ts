import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { isGiven, stackAddresses, type Addresses } from './addresses.ts';
import { createCertificates } from './certificates.ts';
import {
  deleteContainers,
  removeContainer,
  startContainer,
  stopContainers,
} from './container-engine.ts';
import { servicesInContainers } from './container-services.ts';
import { withLock } from './lock.ts';
import {
  checkMachine,
  choosePorts,
  isRunning,
  localService,
  startService,
  stopService,
} from './local-services.ts';
import { STACKS_DIR, stackPlaces } from './places.ts';
import { identify, isAlive, stopProcess } from './process-identity.ts';
import { certificatesFolder } from './secured-kafka.ts';
import {
  ALL_SERVICES,
  OPTIONAL_SERVICES,
  SERVICE_NAMES,
  type Progress,
  type Report,
  type ServiceName,
  type StackVariant,
  type TemporalKind,
} from './service.ts';
import { StackError } from './stack-error.ts';
import { readState, writeState, type ServiceState, type StackState } from './state.ts';
import type { TemporalTuning } from './temporal-tuning.ts';

/** How long a bridge or worker may take to shut down. */
const PROGRAM_GRACE_MS = 20_000;

export interface StackOptions {
  readonly name: string;
  /** The stack runs as long as this process and is deleted afterwards. */
  readonly ephemeral?: boolean;
  /** The process that an ephemeral stack runs for. Default: this one. */
  readonly ownerPid?: number;
  /** Keeps Temporal's data on disk, for tests that restart the server. Default: unless ephemeral. */
  readonly durable?: boolean;
  readonly env?: NodeJS.ProcessEnv;
  /** The Temporal server to run as a process; by default that of the last start. */
  readonly temporalKind?: TemporalKind | undefined;
  /** The version of that server, such as `1.29.1`; by default that of the last start. */
  readonly temporalVersion?: string | undefined;
  /** How a Temporal server on Postgres is configured; by default as recommended. */
  readonly temporalTuning?: TemporalTuning;
  /** Whether all servers require TLS and authentication. They then run as processes. */
  readonly secured?: boolean;
  /** Also starts a schema registry. */
  readonly schemaRegistry?: boolean | undefined;
  /** Ends the start early; what has been started keeps running. */
  readonly signal?: AbortSignal;
}

/** The start of one service, to be run and shown by the caller. */
export interface StartStep {
  readonly title: string;
  /** @param note shows a line that stays, where `report` replaces what it has shown before */
  readonly run: (report: Report, note?: Report) => Promise<void>;
}

/**
 * Starts the services that are not running and returns the addresses. Each service comes from the first
 * source that applies: an address in the environment, a container engine (see `servicesInContainers`), a
 * process on this machine.
 *
 * @param runSteps runs all steps, possibly concurrently, and shows their progress
 */
export async function startStack(
  options: StackOptions,
  runSteps: (steps: readonly StartStep[]) => Promise<void>,
): Promise<Addresses> {
  const { name, ephemeral = false, ownerPid = process.pid } = options;
  const { durable = !ephemeral, env = process.env } = options;
  const places = stackPlaces(name);
  if (ephemeral) await removeAbandonedStacks();
  return withLock(places, async () => {
    const owner = ephemeral ? await identify(ownerPid) : undefined;
    const before = {
      ...(await withTemporal(readState(places) ?? NO_STATE, options)),
      ...(options.temporalTuning ? { temporalTuning: options.temporalTuning } : {}),
      ...(options.secured ? { certificates: certificatesFolder(places) } : {}),
    };
    const variant = variantOf(before);
    let state: StackState = { ...before, ephemeral, ...(owner ? { owner } : {}) };
    const save = (service: ServiceName, serviceState: ServiceState) => {
      state = { ...state, services: { ...state.services, [service]: serviceState } };
      writeState(places, state);
    };
    const isElsewhere = (service: ServiceName) => isGiven(service, env, state.services[service]);
    const services = options.schemaRegistry ? ALL_SERVICES : SERVICE_NAMES;
    const here = services.filter((service) => !isElsewhere(service));
    const inContainers: ReadonlySet<ServiceName> = options.secured
      ? new Set()
      : await servicesInContainers(here, {
          ephemeral,
          temporal: variant,
          knownTemporal: before.services.temporal,
        });
    await checkMachine(
      here
        .filter((service) => !inContainers.has(service))
        .map((service) => localService(service, variant)),
    );
    mkdirSync(places.dir, { recursive: true });
    // Before the servers start, which share them.
    if (before.certificates !== undefined) await createCertificates(before.certificates);
    let setPostgresStarted: (started: Promise<void>) => void = () => undefined;
    const postgresStarted = new Promise<void>((resolve) => (setPostgresStarted = resolve));
    const databaseUrl = async () => {
      await postgresStarted;
      return stackAddresses(state, env)['DATABASE_URL'] ?? '';
    };
    const startProcess = (service: ServiceName, progress: Progress) => {
      const saveStarted = (started: ServiceState) => {
        save(service, started);
      };
      return startService(
        localService(service, variant),
        { places, durable, databaseUrl },
        state.services[service],
        saveStarted,
        progress,
      );
    };
    const start = async (service: ServiceName, progress: Progress) => {
      const { report, note } = progress;
      const local = localService(service, variant);
      const known = state.services[service];
      if (isElsewhere(service)) {
        await stopService(local, known);
        save(service, { source: 'environment' });
        report('uses the address in the environment');
        return;
      }
      if (!inContainers.has(service)) {
        await startProcess(service, progress);
        return;
      }
      const ports = await choosePorts(local, known);
      await stopService(local, known);
      save(service, { source: 'container', ports });
      try {
        await startContainer(places, service, ports);
        report('started (container)');
      } catch (error) {
        // The data of an earlier start are in the container, so a process would seem to have lost them.
        if (known?.source === 'container' || !(error instanceof StackError)) throw error;
        note(`passed over the container engine: ${error.message.trimEnd().split('\n').at(-1)}`);
        await removeContainer(places, service).catch(() => undefined);
        save(service, { source: 'process', ports });
        await local.check();
        await startProcess(service, progress);
      }
    };
    await runSteps(
      services.map((service) => ({
        title: localService(service, variant).title,
        run: async (report, note = report) => {
          const started = start(service, { report, note, signal: options.signal });
          if (service === 'postgres') setPostgresStarted(started);
          await started;
        },
      })),
    );
    return stackAddresses(state, env);
  });
}

const NO_STATE: StackState = { services: {}, ephemeral: false };

const variantOf = ({
  temporalKind = 'dev',
  temporalVersion,
  temporalTuning,
  certificates,
}: StackState): StackVariant => ({
  kind: temporalKind,
  version: temporalVersion,
  tuning: temporalTuning,
  certificates,
});

/** Stops a Temporal server of another kind or version and removes it from the state. */
async function withTemporal(
  state: StackState,
  { temporalKind, temporalVersion }: StackOptions,
): Promise<StackState> {
  const present = variantOf(state);
  const kind = temporalKind ?? present.kind;
  const isSameKind = kind === present.kind;
  const version = temporalVersion ?? (isSameKind ? present.version : undefined);
  if (isSameKind && version === present.version) return state;
  const { temporal, ...services } = state.services;
  await stopService(localService('temporal', present), temporal);
  // Another version gets the same address. The other kind of server has other ports.
  const stopped: StackState['services'] =
    isSameKind && temporal?.source === 'process'
      ? { temporal: { source: 'process', ports: temporal.ports } }
      : {};
  return {
    ...state,
    services: { ...services, ...stopped },
    temporalKind: kind,
    temporalVersion: version,
  };
}

/**
 * Makes this process the runner of the stack and stops programs that a killed runner has left behind. Throws
 * a StackError if another `npm start` is running.
 */
export async function claimStack(name: string): Promise<void> {
  const places = stackPlaces(name);
  await withLock(places, async () => {
    const state = readState(places) ?? NO_STATE;
    if (state.runner && (await isAlive(state.runner))) {
      throw new StackError(
        `npm start is already running on this stack, as process ${state.runner.pid}: stop it first, or use another stack with --name`,
      );
    }
    await stopPrograms(state);
    const runner = await identify(process.pid);
    writeState(places, { ...state, programs: [], ...(runner ? { runner } : {}) });
  });
}

/** Records a program that runs on the stack, so that it is stopped with the stack. */
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

/** Stops what this stack has started, and nothing else. Deletes an ephemeral stack. */
export async function stopStack(name: string): Promise<void> {
  const places = stackPlaces(name);
  await withLock(places, async () => {
    const state = readState(places);
    if (!state) return;
    await stopPrograms(state);
    const sources = Object.entries(state.services) as [ServiceName, ServiceState][];
    const local = (service: ServiceName) => localService(service, variantOf(state));
    // Nobody needs the data of an ephemeral stack, and Temporal takes up to 5 s to stop by itself. Postgres
    // would leave shared memory behind, and a cluster its processes.
    const isKilled = (service: ServiceName) =>
      state.ephemeral && service !== 'postgres' && state.temporalTuning?.hosts === undefined;
    const stop = (service: ServiceName) =>
      stopService(
        local(service),
        state.services[service],
        isKilled(service) ? 'SIGKILL' : undefined,
      );
    // Temporal first, because it may run on the database.
    await stop('temporal');
    await Promise.all(sources.map(([service]) => stop(service)));
    const inContainers = sources.some(([, { source }]) => source === 'container');
    if (!state.ephemeral) {
      if (inContainers) await stopContainers(places);
      return;
    }
    if (inContainers) await deleteContainers(places);
    for (const service of ALL_SERVICES) await local(service).deleteData(places);
    rmSync(places.dir, { recursive: true, force: true });
  });
}

export interface ServiceStatus {
  readonly service: ServiceName;
  readonly source: ServiceState['source'] | 'none';
  /** Where the programs of a process come from. */
  readonly origin?: string | undefined;
  readonly running: boolean;
}

/** Whether each service is running, and its source. */
export async function stackStatus(name: string): Promise<readonly ServiceStatus[]> {
  const state = readState(stackPlaces(name));
  const services = [
    ...SERVICE_NAMES,
    ...OPTIONAL_SERVICES.filter((service) => state?.services[service] !== undefined),
  ];
  return Promise.all(
    services.map(async (service) => {
      const known = state?.services[service];
      return {
        service,
        source: known?.source ?? 'none',
        origin: known?.source === 'process' ? known.origin : undefined,
        running:
          known !== undefined &&
          (await isRunning(localService(service, variantOf(state ?? NO_STATE)), known)),
      };
    }),
  );
}

/** The addresses of a stack whose servers are all running. Throws a StackError otherwise. */
export async function runningStack(name: string): Promise<Addresses> {
  const state = readState(stackPlaces(name));
  let stopped: readonly ServiceStatus[] = [];
  // A server on a busy machine may not answer the first time.
  for (let attempt = 0; attempt < 5; attempt += 1) {
    stopped = (await stackStatus(name)).filter(({ running }) => !running);
    if (state && stopped.length === 0) return stackAddresses(state, process.env);
    if (!state || stopped.some(({ source }) => source === 'none')) break;
  }
  const what = stopped.map(({ service }) => service).join(', ');
  const option = name === 'dev' ? '' : ` --name ${name}`;
  throw new StackError(
    `The stack "${name}" is not running (${what}). Start it with: npm run stack --${option} start`,
  );
}

async function stopPrograms({ programs = [] }: StackState): Promise<void> {
  await Promise.all(programs.map((program) => stopProcess(program, 'SIGTERM', PROGRAM_GRACE_MS)));
}

/** Removes stacks of tests and benchmarks that were killed before they could clean up. */
async function removeAbandonedStacks(): Promise<void> {
  if (!existsSync(STACKS_DIR)) return;
  for (const entry of readdirSync(STACKS_DIR, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const state = readState(stackPlaces(entry.name));
    if (state?.ephemeral && state.owner && !(await isAlive(state.owner))) {
      await stopStack(entry.name);
    }
  }
}
