import type { DaemonSpec } from './daemon.ts';
import type { StackPlaces } from './places.ts';

export const SERVICE_NAMES = ['kafka', 'temporal', 'postgres'] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** Tells a person what is going on just now: `building Temporal (42 s)`. */
export type Report = (text: string) => void;

export interface ServiceContext {
  readonly places: StackPlaces;
  /** Keep nothing on disk that need not be there: the stack is deleted when it stops. */
  readonly ephemeral: boolean;
}

/** The ports of one service by their names. */
export type Ports = Readonly<Record<string, number>>;

/** A server run as a process of this machine. */
export interface LocalService {
  readonly title: string;
  /** The ports that people expect; others are taken where these are in use. */
  readonly usualPorts: Ports;
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
