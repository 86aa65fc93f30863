import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { PROJECT_DIR } from '../../dev/stack/places.ts';

/** The packages that most of an order's work is done in, by the title they have in a result. */
export const MAIN_PACKAGES = {
  'Temporal SDK': '@temporalio/worker',
  'Temporal client': '@temporalio/client',
  kafkajs: 'kafkajs',
  pg: 'pg',
  zod: 'zod',
} as const;

/** The hardware and the versions that the figures depend on. */
export const describeMachine = (): Readonly<Record<string, string>> => ({
  processor: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
  node: process.version,
  ...packageVersions(),
});

/** The installed versions of the main packages, by title. */
export function packageVersions(): Readonly<Record<string, string>> {
  const lock = JSON.parse(readFileSync(path.join(PROJECT_DIR, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string }>;
  };
  return Object.fromEntries(
    Object.entries(MAIN_PACKAGES).map(([title, name]) => [
      title,
      lock.packages[`node_modules/${name}`]?.version ?? 'unknown',
    ]),
  );
}
