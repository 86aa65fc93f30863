import type { DaemonSpec } from './daemon.ts';
import type { StackPlaces } from './places.ts';

export const SERVICE_NAMES = ['kafka', 'postgres', 'temporal'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** Temporal's server as developers run it, on SQLite, or as production does, on Postgres. */
export const TEMPORAL_KINDS = ['dev', 'postgres'] as const;
export type TemporalKind = (typeof TEMPORAL_KINDS)[number];

/** Tells a person what is going on just now: `building Temporal (42 s)`. */
export type Report = (text: string) => void;

export interface ServiceContext {
  readonly places: StackPlaces;
  /** Whether the data are to outlive the process. */
  readonly durable: boolean;
  /** The stack's database, as soon as it runs. */
  readonly databaseUrl: () => Promise<string>;
}

/** The ports of one service by their names. */
export type Ports = Readonly<Record<string, number>>;

/** The port of that name. Throws when the service has none. */
export function port(ports: Ports, name: string): number {
  const found = ports[name];
  if (found === undefined) throw new Error(`there is no port "${name}"`);
  return found;
}

/** A server run as a process of this machine. */
export interface LocalService {
  readonly name: ServiceName;
  readonly title: string;
  /** The ports that people expect; others are taken where these are in use. */
  readonly usualPorts: Ports;
  /** The highest port that the service can do with, where it has such a limit. */
  readonly highestPort?: number;
  /** How the process is asked to end. */
  readonly stopSignal: NodeJS.Signals;
  /** Throws a StackError that says what to install when the machine lacks something. Quick. */
  check(): Promise<void>;
  /** Downloads and builds what is not there yet. */
  prepare(report: Report): Promise<void>;
  /** Makes the data folder when there is none, and says how to run the server on it. */
  configure(context: ServiceContext, ports: Ports): Promise<DaemonSpec>;
  /** Throws until the server answers. */
  probe(ports: Ports): Promise<void>;
  /** Removes what lies outside the stack's own folder. */
  deleteData(places: StackPlaces): Promise<void>;
}
