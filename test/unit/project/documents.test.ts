import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const PROJECT = path.join(import.meta.dirname, '../../..');
const DOCUMENTS = [
  ...['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'],
  ...readdirSync(path.join(PROJECT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];

/** Without code blocks, in which `#` begins a comment. */
const textOf = (file: string): string =>
  readFileSync(path.join(PROJECT, file), 'utf8').replaceAll(/^```[^]*?^```$/gm, '');

/** The anchors that GitHub gives the headings of a document. */
const anchorsOf = (file: string): readonly string[] =>
  [...textOf(file).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^a-z0-9 _-]/g, '')
      .replaceAll(' ', '-'),
  );

/** The links of a document to files of the project, with the path of each file from the project's folder. */
const linksOf = (file: string) =>
  [...textOf(file).matchAll(/\]\((?!https?:)([^)\s]*)\)/g)].map(([, link = '']) => {
    const [target = '', anchor] = link.split('#');
    return {
      link,
      linked: target === '' ? file : path.join(path.dirname(file), target),
      anchor,
    };
  });

describe.each(DOCUMENTS)('%s', (file) => {
  test('links only to files and headings that exist', () => {
    const broken = linksOf(file).filter(({ linked, anchor }) => {
      if (!existsSync(path.join(PROJECT, linked))) return true;
      return anchor !== undefined && !anchorsOf(linked).includes(anchor);
    });
    expect(broken.map(({ link }) => link)).toEqual([]);
  });
});

test('every document can be reached by links from README.md', () => {
  // A set that grows while it is iterated over also yields what was added.
  const reached = new Set(['README.md']);
  for (const file of reached) {
    for (const { linked } of linksOf(file)) if (DOCUMENTS.includes(linked)) reached.add(linked);
  }
  expect(DOCUMENTS.filter((file) => !reached.has(file))).toEqual([]);
});

test.each(DOCUMENTS)('%s names only files that exist', (file) => {
  const named = textOf(file).matchAll(/`((?:bench|deploy|dev|docs|src|test)\/[\w./-]+)`/g);
  const paths = [...new Set([...named].map(([, name = '']) => name))];
  expect(paths.filter((name) => !existsSync(path.join(PROJECT, name)))).toEqual([]);
});

const TESTS_OF_GUARANTEES = [
  ...new Set(
    [
      ...textOf('docs/guarantees.md').matchAll(
        /`((?:unit|integration|workflow|e2e|fault)\/[a-z0-9/-]+)`/g,
      ),
    ].map(([, name = '']) => name),
  ),
];

test('every test named in docs/guarantees.md exists', () => {
  const paths = TESTS_OF_GUARANTEES;
  expect(paths.length).toBeGreaterThan(30);
  const missing = paths.filter(
    (name) =>
      !['test', 'long'].some((kind) => existsSync(path.join(PROJECT, `test/${name}.${kind}.ts`))),
  );
  expect(missing).toEqual([]);
});

/** What they show does not depend on whether bridge and worker are one process. */
const NOT_REPEATED = [
  // Commands.
  ...['e2e/orders', 'e2e/tools'],
  // A bridge waits before it starts orders.
  'fault/new-cluster',
  // Permissions of one program.
  ...['e2e/missing-rights', 'e2e/temporal-rights'],
];

test('test/one-process repeats the tests of the guarantees that start programs', () => {
  const repeated = readdirSync(path.join(PROJECT, 'test/one-process'))
    .flatMap((file) => [
      ...readFileSync(path.join(PROJECT, 'test/one-process', file), 'utf8').matchAll(
        /import\('\.\.\/((?:e2e|fault)\/[a-z-]+)\.\w+\.ts'\)/g,
      ),
    ])
    .map(([, name = '']) => name);
  const expected = TESTS_OF_GUARANTEES.filter(
    (name) => /^(?:e2e|fault)\//.test(name) && !NOT_REPEATED.includes(name),
  );
  expect(repeated.sort()).toEqual(expected.sort());
});

describe('docs/log-events.md', () => {
  const src = path.join(PROJECT, 'src');
  const code = readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(path.join(src, name), 'utf8'))
    .join('\n');
  const logged = [...code.matchAll(/\bevent: '(\w+)'/g)].map(([, name = '']) => name);
  /** The bridge makes these of the kind of loss. */
  const computed = ['messages_lost', 'log_restarted'];

  test('has a row for every event that the programs log, and no others', () => {
    const tables = textOf('docs/log-events.md').matchAll(/^\| event .*\n(?:\|.*\n)+/gm);
    const rows = [...tables].flatMap(([table]) => [...table.matchAll(/^\| `(\w+)`/gm)]);
    const listed = new Set(rows.map(([, name = '']) => name));
    expect(logged.length).toBeGreaterThan(50);
    expect([...listed].sort()).toEqual([...new Set([...logged, ...computed])].sort());
  });
});
