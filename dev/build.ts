import { createHash } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { execa } from 'execa';
import { PROJECT_DIR } from './stack/places.ts';
import { StackError } from './stack/stack-error.ts';

const DIST = path.join(PROJECT_DIR, 'dist');
const STAMP = path.join(DIST, '.built-from');
const SOURCES = path.join(PROJECT_DIR, 'src');

/**
 * Builds dist/: the compiled sources, the migrations, and two bundles of the workflows, with and
 * without tracing. Does nothing if dist/ was built from the same sources.
 */
export async function build(): Promise<void> {
  const sources = hashOfSources();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === sources) return;
  rmSync(DIST, { recursive: true, force: true });
  const compiled = await execa('tsc', ['-p', 'tsconfig.build.json'], {
    cwd: PROJECT_DIR,
    preferLocal: true,
    reject: false,
    all: true,
  });
  if (compiled.failed) throw new StackError(`The sources do not compile:\n${compiled.all}`);
  chmodSync(path.join(DIST, 'cli/main.js'), 0o755);
  cpSync(path.join(SOURCES, 'order/sql/migrations'), path.join(DIST, 'order/sql/migrations'), {
    recursive: true,
  });
  writeFileSync(path.join(DIST, 'workflow-bundle.js'), await bundleWorkflows([]));
  writeFileSync(
    path.join(DIST, 'workflow-bundle-traced.js'),
    await bundleWorkflows([
      createRequire(import.meta.url).resolve(
        '@temporalio/interceptors-opentelemetry-v2/lib/workflow-interceptors',
      ),
    ]),
  );
  writeFileSync(STAMP, sources);
}

async function bundleWorkflows(workflowInterceptorModules: string[]): Promise<string> {
  const { bundleWorkflowCode, DefaultLogger } = await import('@temporalio/worker');
  const { code } = await bundleWorkflowCode({
    workflowsPath: path.join(DIST, 'workflows/index.js'),
    workflowInterceptorModules,
    logger: new DefaultLogger('WARN'),
  });
  return code;
}

function hashOfSources(): string {
  const hash = createHash('sha256');
  const files = readdirSync(SOURCES, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
  for (const name of [
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'tsconfig.build.json',
  ]) {
    files.push(path.join(PROJECT_DIR, name));
  }
  for (const file of files)
    hash.update(path.relative(PROJECT_DIR, file)).update(readFileSync(file));
  return hash.digest('hex');
}

if (process.argv[1] === import.meta.filename) await build();
