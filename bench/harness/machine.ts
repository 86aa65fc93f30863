import { readFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import path from 'node:path';
import { PROJECT_DIR } from '../../dev/stack/places.ts';

/** The hardware and the versions that the figures depend on. */
export function describeMachine(): Readonly<Record<string, string>> {
  const lock = JSON.parse(readFileSync(path.join(PROJECT_DIR, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version?: string }>;
  };
  const version = (name: string) => lock.packages[`node_modules/${name}`]?.version ?? 'unknown';
  return {
    processor: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: process.version,
    'Temporal SDK': version('@temporalio/worker'),
    kafkajs: version('kafkajs'),
    pg: version('pg'),
    zod: version('zod'),
  };
}
