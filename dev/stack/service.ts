import type { DaemonSpec } from './daemon.ts';
import type { StackPlaces } from './places.ts';
import type { TemporalTuning } from './temporal-tuning.ts';

export const SERVICE_NAMES = ['kafka', 'postgres', 'temporal'] as const;
/** Services that are started only on request. */
export const OPTIONAL_SERVICES = ['schema-registry'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number] | (typeof OPTIONAL_SERVICES)[number];
/** All services. */
export const ALL_SERVICES: readonly ServiceName[] = [...SERVICE_NAMES, ...OPTIONAL_SERVICES];

/** The Temporal server: the CLI's dev server on SQLite, or the server on Postgres, as in production. */
export const TEMPORAL_KINDS = ['dev', 'postgres'] as const;
export type TemporalKind = (typeof TEMPORAL_KINDS)[number];

/** The Temporal server of a stack. Without a version, it is the stack's default. */
export interface TemporalServer {
  readonly kind: TemporalKind;
  /** The server's version, such as `1.29.1`. */
  readonly version?: string | undefined;
}

/** Reports progress to the user: `building Temporal (42 s)`. */
export type Report = (text: string) => void;

/** What a step of the start shows, and what ends it early. */
export interface Progress {
  /** Replaces the step's latest text. */
  readonly report: Report;
  /** Adds a line that stays. */
  readonly note: Report;
  readonly signal?: AbortSignal | undefined;
}

/** Which servers a stack has. */
export interface StackVariant extends TemporalServer {
  /** How a Temporal server on Postgres is configured; by default as recommended. */
  readonly tuning?: TemporalTuning | undefined;
  /** The folder of the certificates, if all servers require TLS and authentication. */
  readonly certificates?: string | undefined;
}

/** The programs of a server on this machine. */
export interface Installed {
  readonly folder: string;
  /** Where they come from, for the user: `Kafka 4.1.1 from Maven`. */
  readonly origin: string;
}

export interface ServiceContext {
  readonly places: StackPlaces;
  /** Whether the data must survive a restart of the process. */
  readonly durable: boolean;
  /** The URL of the stack's database, once it is running. */
  readonly databaseUrl: () => Promise<string>;
}

/** The ports of one service by name. */
export type Ports = Readonly<Record<string, number>>;

/** The port with this name. Throws if the service has none. */
export function port(ports: Ports, name: string): number {
  const found = ports[name];
  if (found === undefined) throw new Error(`there is no port "${name}"`);
  return found;
}

/** A server that runs as a process on this machine. */
export interface LocalService {
  readonly name: ServiceName;
  readonly title: string;
  /** The usual ports; others are used if these are taken. */
  readonly usualPorts: Ports;
  /** The highest port that the service supports, if there is a limit. */
  readonly highestPort?: number;
  /** The signal for a graceful shutdown. */
  readonly stopSignal: NodeJS.Signals;
  /** Throws a StackError with instructions if the machine lacks a prerequisite. Takes seconds at most. */
  check(): Promise<void>;
  /** Downloads and builds what is missing. */
  prepare(progress: Progress): Promise<Installed>;
  /** Creates the data folder if there is none, and returns how to run the server on it. */
  configure(context: ServiceContext, ports: Ports, installed: Installed): Promise<DaemonSpec>;
  /** Throws until the server answers. */
  probe(ports: Ports): Promise<void>;
  /** Deletes data outside the stack's folder. */
  deleteData(places: StackPlaces): Promise<void>;
}
