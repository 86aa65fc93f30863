import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Spec, Validation } from '@cyclonedx/cyclonedx-library';
import { execa } from 'execa';
import { PROJECT_DIR } from '../../../dev/stack/places.ts';
import { productionPackages, readLock, transitiveCount } from '../../../dev/production-packages.ts';

const read = (file: string) => readFileSync(path.join(PROJECT_DIR, file), 'utf8');
const run = (script: string) =>
  execa(process.execPath, ['--import', 'tsx', `dev/${script}.ts`], { cwd: PROJECT_DIR });

interface PackageFile {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

test('docs/dependencies.md has a row for every production dependency, with its license and how many it brings', () => {
  const { dependencies, peerDependencies = {} } = JSON.parse(read('package.json')) as PackageFile;
  const lock = readLock();
  const licenses = new Map(productionPackages(lock).map(({ name, license }) => [name, license]));
  const rows = [...read('docs/dependencies.md').matchAll(/^\| `([^`]+)` +\|(.*)\|$/gm)].map(
    ([, name = '', rest = '']) => {
      const cells = rest.split('|').map((cell) => cell.trim());
      expect(cells).toHaveLength(5);
      expect(cells.every((cell) => cell !== '')).toBe(true);
      return { name, license: cells[3], brings: Number(cells[4]) };
    },
  );
  expect(rows.map(({ name }) => name).filter((name) => !(name in peerDependencies))).toEqual(
    Object.keys(dependencies),
  );
  expect(rows.filter(({ name }) => name in dependencies)).toEqual(
    Object.keys(dependencies).map((name) => ({
      name,
      license: licenses.get(name),
      brings: transitiveCount(lock, name),
    })),
  );
});

test('docs/dependencies.md counts what is installed, and names the packages with install scripts', () => {
  const packages = productionPackages(readLock());
  const text = read('docs/dependencies.md');
  expect(text).toContain(`${packages.length} packages`);
  const withScripts = packages.filter(({ hasInstallScript }) => hasInstallScript);
  expect(withScripts.length).toBeGreaterThan(0);
  for (const { name } of withScripts) expect(text).toContain(`\`${name}\``);
});

test('every production package has a license that is allowed', async () => {
  const { stdout } = await run('licenses');
  expect(stdout).toContain(', 0 with a license that is not allowed');
});

test('the SBOM is valid, names every production package and nothing of this machine', async () => {
  const { stdout } = await run('sbom');
  const validator = new Validation.JsonStrictValidator(Spec.Version.v1dot5);
  expect(await validator.validate(stdout)).toBeNull();
  const sbom = JSON.parse(stdout) as {
    readonly metadata: { readonly component: { readonly name: string } };
    readonly components: readonly { readonly name: string; readonly version: string }[];
  };
  expect(sbom.metadata.component.name).toBe('order-ingest');
  const listed = new Set(sbom.components.map(({ name, version }) => `${name}@${version}`));
  const installed = productionPackages(readLock()).map(({ name, version }) => `${name}@${version}`);
  expect([...new Set(installed)].filter((each) => !listed.has(each))).toEqual([]);
  expect(stdout).not.toContain(PROJECT_DIR);
  expect(stdout).not.toMatch(/"file:|\/tmp\/|\/home\//);
});
