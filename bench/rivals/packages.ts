import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { buildOnce } from '../../dev/stack/build-once.ts';
import { CACHE_DIR, PROJECT_DIR } from '../../dev/stack/places.ts';
import { StackError } from '../../dev/stack/stack-error.ts';

const PROGRAMS = path.join(import.meta.dirname, 'programs');
const LINK = path.join(PROGRAMS, 'node_modules');
const FILES = ['package.json', 'package-lock.json', '.npmrc'];

/**
 * Installs what the other systems need, about 430 MB, into the user's cache folder, and links it to the folder
 * of the programs. They are not among the packages of order-ingest, which everyone would have to install.
 */
export async function installRivals(): Promise<void> {
  const digest = createHash('sha256');
  for (const file of FILES) digest.update(readFileSync(path.join(PROGRAMS, file)));
  const target = path.join(CACHE_DIR, `rivals-${digest.digest('hex').slice(0, 12)}`);
  await buildOnce(target, 'the other systems', console.error, async (dir) => {
    for (const file of FILES) copyFileSync(path.join(PROGRAMS, file), path.join(dir, file));
    const result = await execa('npm', ['ci'], { cwd: dir, all: true, reject: false });
    if (result.failed) throw new StackError(`npm ci for ${PROGRAMS} failed:\n${result.all}`);
  });
  // Removes a link only, not what it points to.
  rmSync(LINK, { recursive: true, force: true });
  symlinkSync(path.join(target, 'node_modules'), LINK);
  await checkTypes();
}

/**
 * Checks the programs with the types of the packages themselves. Without the packages, `npm run typecheck`
 * has only the declarations of `packages.d.ts`.
 */
async function checkTypes(): Promise<void> {
  const tsc = path.join(PROJECT_DIR, 'node_modules/typescript/bin/tsc');
  const result = await execa(
    process.execPath,
    [tsc, '-p', path.join(PROGRAMS, 'tsconfig.packages.json')],
    { all: true, reject: false },
  );
  if (result.failed) throw new StackError(`The types of ${PROGRAMS} are wrong:\n${result.all}`);
}

/** The path of a file of these packages. */
export const rivalFile = (name: string): string => path.join(LINK, name);
