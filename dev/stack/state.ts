import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { StackPlaces } from './places.ts';
import type { ProcessIdentity } from './process-identity.ts';
import type { Ports, ServiceName, TemporalKind } from './service.ts';
import type { TemporalTuning } from './temporal-tuning.ts';

/** The source of a service. */
export type ServiceState =
  | { readonly source: 'environment' }
  | { readonly source: 'container'; readonly ports: Ports }
  | {
      readonly source: 'process';
      readonly ports: Ports;
      readonly process?: ProcessIdentity;
      /** Where its programs come from, for the user. */
      readonly origin?: string | undefined;
    };

export interface StackState {
  readonly ephemeral: boolean;
  /** The command that an ephemeral stack runs for. */
  readonly owner?: ProcessIdentity;
  /** The Temporal server if it is a process; absent for `dev`. */
  readonly temporalKind?: TemporalKind;
  /** Its version; absent for the default. */
  readonly temporalVersion?: string | undefined;
  /** How a server on Postgres is configured; absent for the default. */
  readonly temporalTuning?: TemporalTuning;
  /** The folder of the certificates of a secured stack. */
  readonly certificates?: string;
  readonly services: Readonly<Partial<Record<ServiceName, ServiceState>>>;
  /** The `npm start` that uses the stack, and the programs that it runs. */
  readonly runner?: ProcessIdentity;
  readonly programs?: readonly ProcessIdentity[];
}

export function readState({ stateFile }: StackPlaces): StackState | undefined {
  if (!existsSync(stateFile)) return undefined;
  return JSON.parse(readFileSync(stateFile, 'utf8')) as StackState;
}

/** Replaces the file atomically, so that a kill leaves either the old or the new state. */
export function writeState({ stateFile }: StackPlaces, state: StackState): void {
  mkdirSync(path.dirname(stateFile), { recursive: true });
  writeFileSync(`${stateFile}.new`, JSON.stringify(state, null, 2));
  renameSync(`${stateFile}.new`, stateFile);
}
