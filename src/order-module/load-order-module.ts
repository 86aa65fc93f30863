import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { OrderModule } from '../contract/order-module.ts';
import { describeError, OperatorError } from '../program/operator-error.ts';

/**
 * Loads the order module that `ORDER_MODULE` names, or the built-in one. Throws an OperatorError if it cannot
 * be loaded, or lacks something.
 *
 * @param name a path that begins with `.` or `/`, relative to the working directory, or the name of a
 *   package that is installed there
 */
export async function loadOrderModule(name: string | undefined): Promise<OrderModule> {
  if (name === undefined) return (await import('../order/order-module.ts')).orderModule;
  const exported = await importModule(name);
  const candidate = exported['default'] ?? exported['orderModule'];
  const missing = missingParts(candidate);
  if (missing.length > 0) {
    throw new OperatorError(
      'ORDER_MODULE_INVALID',
      `The order module "${name}" does not fit: ${missing.join('; ')}`,
      'export what `defineOrder` of order-ingest/order returns as the default export; docs/your-orders.md has an example',
    );
  }
  return candidate as OrderModule;
}

async function importModule(name: string): Promise<Readonly<Record<string, unknown>>> {
  const url = resolve(name);
  try {
    return (await import(url)) as Record<string, unknown>;
  } catch (error) {
    throw new OperatorError(
      'ORDER_MODULE_INVALID',
      `The order module "${name}" cannot be loaded: ${describeError(error)}`,
      isUnknownExtension(error)
        ? 'compile it to JavaScript, or run it with Node 22.18 or later, which loads TypeScript'
        : 'correct the module; `node --input-type=module --eval "await import(\'<the module>\')"` shows where it fails',
      { cause: error },
    );
  }
}

const isUnknownExtension = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_FILE_EXTENSION';

function resolve(name: string): string {
  if (/^(?:\.{0,2}\/|file:)/.test(name)) {
    const file = name.startsWith('file:') ? new URL(name) : pathToFileURL(path.resolve(name));
    if (existsSync(file)) return file.href;
    throw notFound(name, `there is no file ${file.pathname}`);
  }
  try {
    const resolved = createRequire(path.resolve('from-here.js')).resolve(name);
    return pathToFileURL(resolved).href;
  } catch (error) {
    throw notFound(name, `no package with this name is installed in ${process.cwd()}`, error);
  }
}

const notFound = (name: string, why: string, cause?: unknown) =>
  new OperatorError(
    'ORDER_MODULE_NOT_FOUND',
    `The order module "${name}" was not found: ${why}`,
    'set ORDER_MODULE to a file, such as ./my-order.js, or to the name of an installed package',
    { cause },
  );

const isFunction = (value: unknown) => typeof value === 'function';
const isText = (value: unknown) => typeof value === 'string' && value !== '';
const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** What an order module has to have; the rest is optional. */
const PARTS = { name: isText, identify: isFunction, translate: isFunction, storage: isObject };
const STORAGE_PARTS = {
  ...{ orderTable: isText, tables: isObject, migrationsDir: isText, migrationsTable: isText },
  ...{ store: isFunction, findByIds: isFunction, hasValues: isFunction, describe: isFunction },
};

/** Each part of the module that is missing or has another type. */
function missingParts(candidate: unknown): readonly string[] {
  if (!isObject(candidate)) return ['it has no default export'];
  const problems = problemsIn(candidate, PARTS, '');
  if (isObject(candidate['storage'])) {
    problems.push(...problemsIn(candidate['storage'], STORAGE_PARTS, 'storage.'));
    const { migrationsDir } = candidate['storage'];
    if (typeof migrationsDir === 'string' && !existsSync(migrationsDir)) {
      problems.push(`there is no folder ${migrationsDir} with migrations`);
    }
  }
  if (isFunction(candidate['toJson']) !== isFunction(candidate['fromJson'])) {
    problems.push('toJson and fromJson belong together, and one of them is missing');
  }
  return problems;
}

const problemsIn = (
  object: Readonly<Record<string, unknown>>,
  parts: Readonly<Record<string, (value: unknown) => boolean>>,
  prefix: string,
): string[] =>
  Object.entries(parts)
    .filter(([part, isValid]) => !isValid(object[part]))
    .map(([part]) =>
      part in object ? `${prefix}${part} has the wrong type` : `${prefix}${part} is missing`,
    );
