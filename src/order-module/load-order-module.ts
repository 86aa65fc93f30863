import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import type { OrderModule } from '../contract/order-module.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';
import { missingParts } from './missing-parts.ts';
import { resolveOwnImports, specifierOfPackage } from './own-imports.ts';

/** An order module, and where it came from. */
export interface LoadedOrderModule {
  readonly orderModule: OrderModule;
  /** What tells two modules apart in logs: its name, and its file with a digest, unless it is built in. */
  readonly origin: OrderModuleOrigin;
}

export interface OrderModuleOrigin {
  readonly orderModule: string;
  /** The path of the file, or the package with its version. */
  readonly orderModuleFrom: string;
  /** The first digits of the SHA-256 of the file, without what it imports. */
  readonly orderModuleDigest?: string;
}

/**
 * Loads the order module that `ORDER_MODULE` names, or the built-in one. Throws an OperatorError if it cannot
 * be loaded, or lacks something.
 *
 * @param name a path that begins with `.` or `/`, relative to the working directory, or the name of a
 *   package that is installed there or beside this program
 */
export async function loadOrderModule(name: string | undefined): Promise<OrderModule> {
  return (await loadWithOrigin(name)).orderModule;
}

/** The same, with what a program logs about it. */
export async function loadWithOrigin(name: string | undefined): Promise<LoadedOrderModule> {
  if (name === undefined) {
    const { orderModule } = await import('../order/order-module.ts');
    return { orderModule, origin: { orderModule: orderModule.name, orderModuleFrom: 'built-in' } };
  }
  const found = find(name);
  resolveOwnImports();
  const exported = await importModule(name, found);
  const candidate = exported['default'] ?? exported['orderModule'];
  const missing = missingParts(candidate);
  if (missing.length > 0) {
    throw new OperatorError(
      'ORDER_MODULE_INVALID',
      `The order module "${name}" does not fit: ${missing.join('; ')}`,
      'export what `defineOrder` of order-ingest/order returns as the default export; docs/your-orders.md has an example',
    );
  }
  const orderModule = candidate as OrderModule;
  return { orderModule, origin: { orderModule: orderModule.name, ...found.origin } };
}

interface FoundModule {
  /** What `import()` takes. */
  readonly specifier: string;
  readonly origin: Omit<OrderModuleOrigin, 'orderModule'>;
}

function find(name: string): FoundModule {
  if (name.startsWith('file:')) return findFile(name, fileURLToPath(name));
  if (/^\.{0,2}\//.test(name)) return findFile(name, path.resolve(name));
  const folders = [process.cwd(), import.meta.dirname];
  for (const folder of folders) {
    const installed = findInstalled(name, folder);
    if (installed) return installed;
  }
  throw isFile(path.resolve(name))
    ? notFound(name, 'no package has this name, but a file has', `set ORDER_MODULE to ./${name}`)
    : notFound(
        name,
        `no package with this name is installed in ${folders.join(' or ')}`,
        'install the package, or set ORDER_MODULE to a file, such as ./my-order.js',
      );
}

function findFile(name: string, file: string): FoundModule {
  if (isFile(file)) {
    const digest = createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 12);
    return {
      specifier: pathToFileURL(file).href,
      origin: { orderModuleFrom: file, orderModuleDigest: digest },
    };
  }
  throw existsSync(file)
    ? notFound(name, `${file} is a folder`, 'set ORDER_MODULE to the file of the module in it')
    : notFound(
        name,
        `there is no file ${file}`,
        'set ORDER_MODULE to the path of a file, with its extension; a relative path starts from the working directory',
      );
}

const isFile = (file: string): boolean =>
  statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;

/** Looks in `node_modules` of the folder and of all above it, as Node does. */
function findInstalled(name: string, folder: string): FoundModule | undefined {
  const packageName = name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/');
  const parent = path.dirname(folder);
  const description = path.join(folder, 'node_modules', packageName, 'package.json');
  if (isFile(description)) {
    return {
      specifier: specifierOfPackage(name, `${pathToFileURL(folder).href}/`),
      origin: { orderModuleFrom: `${name}@${versionIn(description)}` },
    };
  }
  return parent === folder ? undefined : findInstalled(name, parent);
}

function versionIn(description: string): string {
  try {
    const { version } = JSON.parse(readFileSync(description, 'utf8')) as { version?: unknown };
    return typeof version === 'string' ? version : 'unknown';
  } catch {
    return 'unknown';
  }
}

const notFound = (name: string, why: string, fix: string) =>
  new OperatorError(
    'ORDER_MODULE_NOT_FOUND',
    `The order module "${name}" was not found: ${why}`,
    fix,
  );

async function importModule(
  name: string,
  { specifier }: FoundModule,
): Promise<Readonly<Record<string, unknown>>> {
  try {
    return (await import(specifier)) as Record<string, unknown>;
  } catch (error) {
    throw new OperatorError(
      'ORDER_MODULE_INVALID',
      `The order module "${name}" cannot be loaded: ${describeError(error)}${placeOf(error)}`,
      fixOf(error),
      { cause: error },
    );
  }
}

function fixOf(error: unknown): string {
  if (error instanceof SyntaxError) return 'correct it; `node --check <file>` shows the line';
  switch (error instanceof Error && 'code' in error ? error.code : undefined) {
    case 'ERR_UNKNOWN_FILE_EXTENSION':
      return 'compile it to JavaScript, or run it with Node 22.18 or later, which loads TypeScript';
    case 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING':
      return 'compile it to JavaScript: Node loads no TypeScript from node_modules';
    case 'ERR_MODULE_NOT_FOUND':
      return 'install what it imports beside it; only order-ingest/order and order-ingest/contract need no installation';
    case 'ERR_PACKAGE_PATH_NOT_EXPORTED':
      return "name a path that the package's `exports` list";
    default:
      return 'correct the module';
  }
}

/** Where the module threw. A syntax error does not say where it is. */
function placeOf(error: unknown): string {
  if (!(error instanceof Error) || error instanceof SyntaxError) return '';
  const [, file, line] =
    /(?:\(|at )((?:file:\/\/)?\/.+?):(\d+):\d+\)?$/m.exec(error.stack ?? '') ?? [];
  if (file === undefined) return '';
  return ` (${file.startsWith('file:') ? fileURLToPath(file) : file}:${line})`;
}
