import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { OperatorError } from '../program/operator-error.ts';

/** One migration, as its file describes it. */
export interface Migration {
  readonly name: string;
  readonly file: string;
  readonly sql: string;
  /**
   * Present if the migration breaks older versions of the program: the oldest version that works with it.
   * Such a migration runs only with `setup --contract`.
   */
  readonly oldestVersion?: string;
  /**
   * Present if the migration cannot run in a transaction, as `CREATE INDEX CONCURRENTLY` cannot: the index
   * that it creates or drops.
   */
  readonly concurrentIndex?: string;
}

/** The migrations of this build, in their order. */
export const readMigrations = (dir: string): readonly Migration[] =>
  readdirSync(dir)
    .filter((file) => file.endsWith(EXTENSION))
    .sort()
    .map((file) => readMigration(path.join(dir, file)));

const EXTENSION = '.sql';

function readMigration(file: string): Migration {
  const name = path.basename(file, EXTENSION);
  const sql = readFileSync(file, 'utf8').split(/^-- Down Migration/m)[0] ?? '';
  const oldestVersion = directive(sql, 'Oldest version');
  const transaction = directive(sql, 'Transaction');
  return {
    name,
    file,
    sql,
    ...(oldestVersion === undefined ? {} : { oldestVersion }),
    ...(transaction === 'none' ? { concurrentIndex: concurrentIndexOf(name, sql) } : {}),
  };
}

/** The value of a comment line such as `-- Transaction: none`. */
const directive = (sql: string, key: string): string | undefined =>
  new RegExp(`^-- ${key}: (\\S+)$`, 'm').exec(sql)?.[1];

/**
 * Without a transaction, only a single statement is done completely or not at all. `IF [NOT] EXISTS` makes
 * it repeatable: `setup` can be killed after the statement and before it is recorded.
 */
function concurrentIndexOf(name: string, sql: string): string {
  const statements = sql
    .replaceAll(/^--.*$/gm, '')
    .trim()
    .replace(/;$/, '');
  const index = CONCURRENTLY.exec(statements)?.[1];
  if (index === undefined || statements.includes(';')) {
    throw new OperatorError(
      'DATABASE_MIGRATION_FAILED',
      `${name}: a migration without a transaction is one CREATE INDEX CONCURRENTLY IF NOT EXISTS or DROP INDEX CONCURRENTLY IF EXISTS statement`,
      'correct the migration',
    );
  }
  return index;
}

const CONCURRENTLY =
  /^(?:CREATE (?:UNIQUE )?INDEX CONCURRENTLY IF NOT EXISTS|DROP INDEX CONCURRENTLY IF EXISTS) ([a-z_][a-z0-9_]*)\b/;

/** Whether version `a` is older than version `b`. A pre-release counts as its release. */
export function isOlderVersion(a: string, b: string): boolean {
  const [left, right] = [numbersOf(a), numbersOf(b)];
  const differing = left.findIndex((number, index) => number !== right[index]);
  return differing >= 0 && (left[differing] ?? 0) < (right[differing] ?? 0);
}

const numbersOf = (version: string): readonly number[] =>
  [0, 1, 2].map((index) => Number.parseInt(version.split('.')[index] ?? '0', 10));
