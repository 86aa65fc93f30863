import { createHash } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import envPaths from 'env-paths';

export const PROJECT_DIR = fileURLToPath(new URL('../../', import.meta.url));

/** The data, logs and state of all stacks of this checkout. */
export const STACKS_DIR = path.join(PROJECT_DIR, '.stack');

/** Downloads and builds, shared by all checkouts of the user. */
export const CACHE_DIR = envPaths('order-ingest', { suffix: '' }).cache;

/** The files of one stack. */
export interface StackPlaces {
  readonly name: string;
  readonly dir: string;
  readonly logs: string;
  readonly stateFile: string;
  readonly lockFile: string;
}

export function stackPlaces(name: string): StackPlaces {
  const dir = path.join(STACKS_DIR, name);
  return {
    name,
    dir,
    logs: path.join(dir, 'logs'),
    stateFile: path.join(dir, 'state.json'),
    lockFile: path.join(STACKS_DIR, `${name}.lock`),
  };
}

/** Identifies the stack among all others on the machine. */
export const stackHash = ({ dir }: StackPlaces): string =>
  createHash('sha256').update(dir).digest('hex').slice(0, 12);

/** Held while a service chooses and binds its ports, by one stack of this user at a time. */
export const portsLock = (service: string): Pick<StackPlaces, 'lockFile'> => ({
  lockFile: path.join(os.tmpdir(), `order-ingest-${os.userInfo().uid}-${service}-ports.lock`),
});
