import { createHash } from 'node:crypto';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import envPaths from 'env-paths';

export const PROJECT_DIR = fileURLToPath(new URL('../../', import.meta.url));

/** All stacks of this checkout: their data, logs and state. */
export const STACKS_DIR = path.join(PROJECT_DIR, '.stack');

/** What is downloaded or built once for the user and shared by all checkouts. */
export const CACHE_DIR = envPaths('order-ingest', { suffix: '' }).cache;

/** Where one stack keeps its things. */
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

/** Tells this stack from all others on the machine. */
export const stackHash = ({ dir }: StackPlaces): string =>
  createHash('sha256').update(dir).digest('hex').slice(0, 12);

/** Held while a service chooses its ports and takes them: one of all stacks of this user does so. */
export const portsLock = (service: string): Pick<StackPlaces, 'lockFile'> => ({
  lockFile: path.join(os.tmpdir(), `order-ingest-${os.userInfo().uid}-${service}-ports.lock`),
});
