import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execa } from 'execa';
import { PROJECT_DIR } from './stack/places.ts';
import { runScript } from './stack/script.ts';

interface PackageFile {
  readonly [field: string]: unknown;
}

interface LockFile {
  readonly packages: Readonly<Record<string, PackageFile>>;
}

const without = (file: PackageFile, ...fields: readonly string[]): PackageFile =>
  Object.fromEntries(Object.entries(file).filter(([field]) => !fields.includes(field)));

const readJson = (file: string): unknown =>
  JSON.parse(readFileSync(path.join(PROJECT_DIR, file), 'utf8'));

/**
 * `npm run sbom`: prints a software bill of materials of what is installed in production, on all platforms, as
 * CycloneDX JSON. `npm sbom --omit=dev` leaves out packages that development dependencies need as well, so it gets
 * a package that has none. npm names the result after the folder.
 */
await runScript(async () => {
  const temporary = mkdtempSync(path.join(tmpdir(), 'sbom-'));
  try {
    const packageFile = without(
      readJson('package.json') as PackageFile,
      ...['devDependencies', 'overrides', 'scripts'],
    );
    const folder = path.join(temporary, String(packageFile['name']));
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify(packageFile));
    writeFileSync(
      path.join(folder, 'package-lock.json'),
      JSON.stringify(productionLock(readJson('package-lock.json') as LockFile)),
    );
    cpSync(path.join(PROJECT_DIR, '.npmrc'), path.join(folder, '.npmrc'));
    const { stdout } = await execa(
      'npm',
      ['sbom', '--package-lock-only', '--sbom-format', 'cyclonedx', '--sbom-type', 'application'],
      { cwd: folder },
    );
    console.log(stdout);
  } finally {
    rmSync(temporary, { recursive: true });
  }
});

function productionLock(lock: LockFile): LockFile {
  const packages = Object.entries(lock.packages).flatMap(([folder, entry]) => {
    if (entry['dev'] || entry['devOptional']) return [];
    return [[folder, without(entry, 'devDependencies')] as const];
  });
  return { ...lock, packages: Object.fromEntries(packages) };
}
