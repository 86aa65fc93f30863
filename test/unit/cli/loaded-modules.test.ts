import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { execa } from 'execa';

const PROJECT_DIR = path.join(import.meta.dirname, '../../..');

/** Start-up takes about 1 ms per module, and reading the arguments needs about 50. */
const MAX_MODULES = 70;

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(path.join(os.tmpdir(), 'order-ingest-test-'));
});
afterAll(() => {
  rmSync(dir, { recursive: true });
});

/** Runs the program with these arguments. Returns the modules of the project and of packages that it loads. */
async function modulesLoadedBy(args: readonly string[]): Promise<readonly string[]> {
  const loaded = path.join(dir, 'loaded');
  rmSync(loaded, { force: true });
  await execa(
    process.execPath,
    [
      ...['--import', 'tsx', '--import', './test/support/record-loads.mjs', 'src/cli/main.ts'],
      ...args,
    ],
    { cwd: PROJECT_DIR, reject: false, env: { LOADED_MODULES: loaded } },
  );
  return readFileSync(loaded, 'utf8')
    .split('\n')
    .filter((url) => url.startsWith('file:'))
    .map((url) => path.relative(PROJECT_DIR, new URL(url).pathname));
}

const packagesOf = (modules: readonly string[]) =>
  new Set(
    modules.flatMap((file) => {
      const name = /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1];
      return name === undefined ? [] : [name];
    }),
  );

test.each([
  ['--help'],
  ['--version'],
  ['no-such-command'],
  ['completion bash'],
  ['complete -- orders list --'],
  ['orders list --help'],
  ['capacity --orders-per-second 100'],
])('`order-ingest %s` loads no client of a server and no schema library', async (line) => {
  const modules = await modulesLoadedBy(line.split(' '));
  expect([...packagesOf(modules)].sort()).toEqual(['@bomb.sh/tab', 'commander']);
  expect(modules).toContain('src/cli/program.ts');
  expect(modules.length).toBeLessThan(MAX_MODULES);
});
