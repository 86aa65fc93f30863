import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PROJECT_DIR } from './stack/places.ts';

/** An entry of package-lock.json. */
interface LockEntry {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

type Lock = Readonly<Record<string, LockEntry>>;

export interface ProductionPackage {
  readonly name: string;
  readonly version: string;
  /** As its package.json states it, an SPDX expression; undefined if it states none. */
  readonly license: string | undefined;
  readonly hasInstallScript: boolean;
}

export const readLock = (): Lock =>
  (
    JSON.parse(readFileSync(path.join(PROJECT_DIR, 'package-lock.json'), 'utf8')) as {
      readonly packages: Lock;
    }
  ).packages;

const NODE_MODULES = 'node_modules/';

/** Every package that is installed in production on some platform, by name. */
export const productionPackages = (lock: Lock): readonly ProductionPackage[] =>
  Object.entries(lock)
    .filter(([folder, { dev, devOptional }]) => folder !== '' && !dev && !devOptional)
    .map(([folder, { version = '', license, hasInstallScript = false }]) => ({
      name: folder.slice(folder.lastIndexOf(NODE_MODULES) + NODE_MODULES.length),
      version,
      license,
      hasInstallScript,
    }))
    .sort((one, other) => (one.name < other.name ? -1 : 1));

/** How many packages a production dependency of order-ingest brings along, itself not included. */
export function transitiveCount(lock: Lock, name: string): number {
  const found = new Set<string>();
  const pending = [folderOf(lock, '', name)];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    if (found.has(folder)) continue;
    found.add(folder);
    const from = folder;
    pending.push(
      ...dependenciesOf(lock[folder] ?? {}).flatMap((needed) => folderOf(lock, from, needed) ?? []),
    );
  }
  return found.size - 1;
}

const dependenciesOf = (entry: LockEntry): readonly string[] => [
  ...Object.keys({ ...entry.dependencies, ...entry.optionalDependencies }),
  ...Object.keys(entry.peerDependencies ?? {}).filter(
    (name) => !entry.peerDependenciesMeta?.[name]?.optional,
  ),
];

/** Where Node.js finds a package from the folder of another one. */
function folderOf(lock: Lock, from: string, name: string): string | undefined {
  const folder = `${from === '' ? '' : `${from}/`}${NODE_MODULES}${name}`;
  if (folder in lock) return folder;
  if (from === '') return undefined;
  const end = from.lastIndexOf(NODE_MODULES);
  return folderOf(lock, end <= 0 ? '' : from.slice(0, end - 1), name);
}
