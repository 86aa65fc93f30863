import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { PROJECT_DIR } from '../../dev/stack/places.ts';
import type { TemporalKind } from '../../dev/stack/service.ts';
import { packageVersions } from './machine.ts';
import { measuredCode } from './measured-code.ts';
import type { Result, SideResult } from './report.ts';

/** The results from which the figures of the documents are generated. */
export const RESULTS_DIR = path.join(PROJECT_DIR, 'bench/results');

/** What every file in bench/results begins with. */
export interface StoredResult {
  /** ISO 8601 */
  readonly measured: string;
  readonly temporal: TemporalKind;
  /** The processor, the memory and the versions, by title. */
  readonly machine: Readonly<Record<string, string>>;
  /** The hashes of the code that was measured; results of before 28 November 2026 have none. */
  readonly code?: Readonly<Record<string, string>>;
  readonly name: string;
}

/** Reads the result of anything that is measured; undefined if there is none. */
export function readStored(
  folder: string,
  name: string,
  temporal: TemporalKind,
): StoredResult | undefined {
  const file = path.join(folder, `${name}-${temporal}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as StoredResult) : undefined;
}

/** The result that was measured last; undefined if the folder has none. */
export function newestResult(folder: string): StoredResult | undefined {
  const results = readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as StoredResult);
  return results.sort((one, other) => (one.measured < other.measured ? 1 : -1))[0];
}

/** Reads the result of a benchmark. */
export const readComparison = (folder: string, name: string, temporal: TemporalKind) =>
  readStored(folder, name, temporal) as (StoredResult & Result) | undefined;

/** Reads the result of variants. */
export const readVariants = (folder: string, name: string, temporal: TemporalKind) =>
  readStored(folder, name, temporal) as
    (StoredResult & { readonly sides: readonly SideResult[] }) | undefined;

/** Whether a result is one of the code as it is now. */
export type Age =
  | { readonly kind: 'current' }
  /** The parts of the code, and the packages, that differ. */
  | { readonly kind: 'older'; readonly changed: readonly string[] }
  | { readonly kind: 'not-recorded' };

/** @param modules the code of the benchmark: see `measuredCode` */
export function ageOf({ code, machine, temporal }: StoredResult, modules: readonly string[]): Age {
  if (!code) return { kind: 'not-recorded' };
  const now = measuredCode(modules, temporal);
  const versions = packageVersions();
  const changed = [
    ...differing(code, now.hashes),
    ...now.packages.filter((title) => machine[title] !== versions[title]),
  ];
  return changed.length === 0 ? { kind: 'current' } : { kind: 'older', changed };
}

const differing = (
  one: Readonly<Record<string, string>>,
  other: Readonly<Record<string, string>>,
): readonly string[] =>
  [...new Set([...Object.keys(one), ...Object.keys(other)])]
    .filter((key) => one[key] !== other[key])
    .sort();
