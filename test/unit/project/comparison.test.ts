import { readFileSync } from 'node:fs';
import path from 'node:path';
import { PROJECT_DIR } from '../../../dev/stack/places.ts';

type Packages = Readonly<Record<string, string>>;

const packageFile = (folder: string) =>
  JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as {
    readonly dependencies?: Packages;
    readonly devDependencies?: Packages;
  };

test('the packages of the other systems are none of order-ingest, and their lock file names no server', () => {
  const programs = path.join(PROJECT_DIR, 'bench/rivals/programs');
  const own = packageFile(PROJECT_DIR);
  const { dependencies = {} } = packageFile(programs);
  for (const [name, version] of Object.entries(dependencies)) {
    expect({ ...own.dependencies, ...own.devDependencies }).not.toHaveProperty([name]);
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  }
  expect(readFileSync(path.join(programs, 'package-lock.json'), 'utf8')).not.toContain(
    '"resolved"',
  );
});
