import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { StackPlaces } from './places.ts';
import { identify, isAlive, type ProcessIdentity } from './process-identity.ts';
import type { Ports, ServiceName, TemporalKind } from './service.ts';
import { StackError } from './stack-error.ts';

/** The source of a service. */
export type ServiceState =
  | { readonly source: 'environment' }
  | { readonly source: 'container'; readonly ports: Ports }
  | { readonly source: 'process'; readonly ports: Ports; readonly process?: ProcessIdentity };

export interface StackState {
  readonly ephemeral: boolean;
  /** The command that an ephemeral stack runs for. */
  readonly owner?: ProcessIdentity;
  /** The Temporal server if it is a process; absent for `dev`. */
  readonly temporalKind?: TemporalKind;
  /** Its version; absent for the default. */
  readonly temporalVersion?: string | undefined;
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

const LOCK_TIMEOUT_MS = 10 * 60_000;
const LOCK_POLL_MS = 200;

/** Runs `work` in one command at a time. A lock whose holder has died is released. */
export async function withLock<Result>(
  { lockFile }: Pick<StackPlaces, 'lockFile'>,
  work: () => Promise<Result>,
): Promise<Result> {
  mkdirSync(path.dirname(lockFile), { recursive: true });
  const deadline = Date.now() + LOCK_TIMEOUT_MS;
  while (!(await tryLock(lockFile))) {
    if (Date.now() > deadline) {
      throw new StackError(
        `Another command has held ${lockFile} for ${LOCK_TIMEOUT_MS / 60_000} min`,
      );
    }
    await delay(LOCK_POLL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(lockFile, { force: true });
  }
}

async function tryLock(lockFile: string): Promise<boolean> {
  try {
    writeFileSync(lockFile, JSON.stringify(await identify(process.pid)), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const holder = readHolder(lockFile);
  if (holder === undefined || !(await isAlive(holder))) rmSync(lockFile, { force: true });
  return false;
}

function readHolder(lockFile: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(readFileSync(lockFile, 'utf8')) as ProcessIdentity;
  } catch {
    return undefined;
  }
}
