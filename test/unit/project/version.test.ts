import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const project = path.join(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(path.join(project, file), 'utf8');
const { version } = JSON.parse(read('package.json')) as { readonly version: string };

/**
 * The version is in package.json. These files repeat it because their formats cannot read it from there.
 * Each pattern has to match at least once, and its group is the version wherever it matches.
 */
const REPEATED: readonly (readonly [file: string, pattern: RegExp])[] = [
  ['README.md', /order-ingest-(\d[^\s]*)\.tgz/g],
  ['deploy/Dockerfile', /order-ingest:(\d[\w.-]*)/g],
  ['docker-compose.yml', /order-ingest:(?:\$\{\w+:-)?(\d[\w.-]*)/g],
  ['deploy/helm/order-ingest/Chart.yaml', /^(?:version|appVersion): ['"]?(\d[^\s'"]*)/gm],
];

test.each(REPEATED.filter(([file]) => existsSync(path.join(project, file))))(
  '%s has the version of package.json',
  (file, pattern) => {
    const found = [...read(file).matchAll(pattern)].map((match) => match[1]);
    expect([...new Set(found)]).toEqual([version]);
  },
);

test('package-lock.json has the version of package.json', () => {
  const lock = JSON.parse(read('package-lock.json')) as {
    readonly version: string;
    readonly packages: Readonly<Record<string, { readonly version: string }>>;
  };
  expect([lock.version, lock.packages['']?.version]).toEqual([version, version]);
});

test('the latest release in CHANGELOG.md is the version of package.json, below "Unreleased"', () => {
  const headings = [...read('CHANGELOG.md').matchAll(/^## \[(.*?)\](.*)$/gm)];
  expect(headings.slice(0, 2).map((heading) => heading[1])).toEqual(['Unreleased', version]);
  for (const [, , date] of headings.slice(1)) expect(date).toMatch(/^ - \d{4}-\d{2}-\d{2}$/);
});
