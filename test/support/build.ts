import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PROJECT_DIR } from '../../dev/stack/places.ts';
import { uniqueName } from './stack.ts';

export interface Change {
  /** A file of dist/. */
  readonly file: string;
  /** Must occur in it exactly once. */
  readonly from: string;
  readonly to: string;
}

/** Another version of the programs, which differs from this build in a few lines. */
export interface Build {
  readonly version: string;
  /** The program to run: see `startProgram`. */
  readonly main: string;
  remove(): void;
}

/** @param migrations the SQL of additional migrations, by name */
export function createBuild({
  version,
  changes,
  migrations,
}: {
  readonly version: string;
  readonly changes: readonly Change[];
  readonly migrations: Readonly<Record<string, string>>;
}): Build {
  // Below the project, so that the programs find their packages.
  const dir = path.join(PROJECT_DIR, '.stack/builds', uniqueName('build'));
  mkdirSync(dir, { recursive: true });
  cpSync(path.join(PROJECT_DIR, 'dist'), path.join(dir, 'dist'), { recursive: true });
  writeFileSync(path.join(dir, 'package.json'), JSON.stringify({ version, type: 'module' }));
  for (const { file, from, to } of changes) {
    const target = path.join(dir, 'dist', file);
    const parts = readFileSync(target, 'utf8').split(from);
    if (parts.length !== 2) throw new Error(`${file} has ${parts.length - 1} times: ${from}`);
    writeFileSync(target, parts.join(to));
  }
  for (const [name, sql] of Object.entries(migrations)) {
    const file = path.join(dir, 'dist/order/sql/migrations', `${name}.sql`);
    writeFileSync(file, `-- Up Migration\n${sql}\n`);
  }
  return {
    version,
    main: path.join(dir, 'dist/cli/main.js'),
    remove() {
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
