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
 * Builds dist/: the compiled sources, the declarations of the package's exports, the migrations, and the
 * bundles of the workflows, with and without tracing and encryption. Does nothing if dist/ was built from the same sources.
 */
export async function build(): Promise<void> {
  const sources = hashOfSources();
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === sources) return;
  rmSync(DIST, { recursive: true, force: true });
  await Promise.all([compile('tsconfig.build.json'), compile('tsconfig.types.json')]);
  removeOtherDeclarations();
  chmodSync(path.join(DIST, 'cli/main.js'), 0o755);
  cpSync(path.join(SOURCES, 'order/migrations'), path.join(DIST, 'order/migrations'), {
    recursive: true,
  });
  await writeWorkflowBundles();
  writeFileSync(STAMP, sources);
}

async function compile(project: string): Promise<void> {
  const compiled = await execa('tsc', ['-p', project], {
    cwd: PROJECT_DIR,
    preferLocal: true,
    reject: false,
    all: true,
  });
  if (compiled.failed) throw new StackError(`The sources do not compile:\n${compiled.all}`);
}

/** The compiler also declares what the exports import, but do not show. */
function removeOtherDeclarations(): void {
  const exported = ['package', 'order', 'order-kit', 'contract'];
  for (const file of readdirSync(DIST, { recursive: true, encoding: 'utf8' })) {
    const [folder = ''] = file.split(path.sep);
    if (file.endsWith('.d.ts') && !exported.includes(folder)) rmSync(path.join(DIST, file));
  }
}

async function writeWorkflowBundles(): Promise<void> {
  // Loaded here, because the bundler takes a second to load and most calls build nothing.
  const { bundleWorkflows, licenseTexts } = await import('./workflow-bundle.ts');
  const workflowsPath = path.join(DIST, 'workflows/index.js');
  const interceptors = '@temporalio/interceptors-opentelemetry-v2/lib/workflow-interceptors';
  const tracing = {
    workflowInterceptorModules: [createRequire(import.meta.url).resolve(interceptors)],
  };
  const encryption = { failureConverterPath: path.join(DIST, 'temporal/failure-converter.js') };
  const packages = new Set<string>();
  // As src/worker/workflow-code.ts names them.
  for (const [suffix, options] of [
    ['', {}],
    ['-traced', tracing],
    ['-encrypted', encryption],
    ['-traced-encrypted', { ...tracing, ...encryption }],
  ] as const) {
    const bundle = await bundleWorkflows({ workflowsPath, ...options });
    writeFileSync(path.join(DIST, `workflow-bundle${suffix}.js`), bundle.code);
    for (const name of bundle.packages) packages.add(name);
  }
  writeFileSync(
    path.join(DIST, 'workflow-bundle.licenses.txt'),
    licenseTexts([...packages].sort()),
  );
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
    'tsconfig.types.json',
    'dev/build.ts',
    'dev/workflow-bundle.ts',
  ]) {
    files.push(path.join(PROJECT_DIR, name));
  }
  for (const file of files)
    hash.update(path.relative(PROJECT_DIR, file)).update(readFileSync(file));
  return hash.digest('hex');
}

if (process.argv[1] === import.meta.filename) await build();
