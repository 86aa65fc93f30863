import { existsSync } from 'node:fs';
import module from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Has Node resolve `order-ingest/…` to this program, wherever the importing file is: an order module needs
 * nothing installed beside it. One that is installed with a copy of order-ingest of its own gets this one too,
 * because values of the two would not recognize each other.
 */
export function resolveOwnImports(): void {
  if (isRegistered) return;
  isRegistered = true;
  const { registerHooks } = module as { readonly registerHooks?: (hooks: Hooks) => unknown };
  // Available from Node 22.15. Before, hooks run in a thread of their own, which loads them from a URL.
  if (registerHooks) registerHooks({ resolve: createResolve(exportsOfThisProgram()) });
  else {
    const source = `const createResolve = ${createResolve.toString()};
export const resolve = createResolve(${JSON.stringify(exportsOfThisProgram())});`;
    module.register(`data:text/javascript,${encodeURIComponent(source)}`);
  }
}

let isRegistered = false;

/**
 * What `import()` has to be called with to load a package as if a file in this folder imported it, once
 * `resolveOwnImports` has been called.
 *
 * @param folder its URL, which ends with a slash
 */
export const specifierOfPackage = (name: string, folder: string): string =>
  `order-ingest-module:${encodeURIComponent(folder)}/${name}`;

type NextResolve = (specifier: string, context: ResolveContext) => unknown;
interface ResolveContext {
  readonly parentURL?: string | undefined;
}
interface Hooks {
  readonly resolve: (specifier: string, context: ResolveContext, next: NextResolve) => unknown;
}

/** The files in src/package are what the package exports. */
function exportsOfThisProgram(): Readonly<Record<string, string>> {
  const extension = path.extname(fileURLToPath(import.meta.url));
  return Object.fromEntries(
    ['contract', 'order']
      .map((name) => [name, new URL(`../package/${name}${extension}`, import.meta.url)] as const)
      .filter(([, url]) => existsSync(url))
      .map(([name, url]) => [`order-ingest/${name}`, url.href]),
  );
}

/** Its text also runs in the thread of the hooks, so that it must not refer to anything outside. */
function createResolve(exported: Readonly<Record<string, string>>): Hooks['resolve'] {
  return (specifier, context, next) => {
    const own = exported[specifier];
    if (own !== undefined) return next(own, context);
    if (!specifier.startsWith('order-ingest-module:')) return next(specifier, context);
    const [folder = '', ...name] = specifier.slice('order-ingest-module:'.length).split('/');
    return next(name.join('/'), { ...context, parentURL: decodeURIComponent(folder) });
  };
}
