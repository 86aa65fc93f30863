import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buildOnce } from './build-once.ts';
import type { Installed, Progress, Report } from './service.ts';
import { StackError } from './stack-error.ts';

/** One way to get the programs of a server. */
export interface Source {
  /** What is got from where: `CLI 1.9.1 from Temporal's download`. */
  readonly name: string;
  /** How the user makes this source usable. */
  readonly howTo: string;
  /** The cache folder that it fills. */
  readonly folder: string;
  /** Throws a StackError if the source cannot be used here. Takes seconds at most. */
  check(): Promise<void>;
  /** Fills the empty folder. Throws a StackError if it cannot. */
  fetch(folder: string, report: Report, signal: AbortSignal | undefined): Promise<void>;
}

/** Throws a StackError that names every source if none of them can be used. */
export async function checkSources(
  server: string,
  sources: readonly Source[],
  otherWays: readonly string[],
): Promise<void> {
  const failures: Failure[] = [];
  for (const source of sources) {
    if (existsSync(source.folder)) return;
    try {
      await source.check();
      return;
    } catch (error) {
      failures.push({ source, reason: reasonOf(error) });
    }
  }
  throw nothingWorks(server, failures, otherWays);
}

/** Takes the first source that is cached or can be used. The ones before it are passed over with a note. */
export async function install(
  server: string,
  sources: readonly Source[],
  otherWays: readonly string[],
  { report, note, signal }: Progress,
): Promise<Installed> {
  const failures: Failure[] = [];
  for (const source of sources) {
    const { name, folder } = source;
    if (existsSync(folder)) return { folder, origin: `${originOf(folder) ?? name}, cached` };
    try {
      await source.check();
      const fetch = async (target: string, show: Report) => {
        await source.fetch(target, show, signal);
        writeFileSync(path.join(target, ORIGIN_FILE), name);
      };
      await buildOnce(folder, name, report, fetch, signal);
      return { folder, origin: originOf(folder) ?? name };
    } catch (error) {
      signal?.throwIfAborted();
      const reason = reasonOf(error);
      note(`passed over ${name}: ${firstLine(reason)}`);
      failures.push({ source, reason });
    }
  }
  throw nothingWorks(server, failures, otherWays);
}

/** Holds the name of the source that filled a cache folder. */
const ORIGIN_FILE = 'origin.txt';

/** Undefined for a folder that an older version has filled. */
function originOf(folder: string): string | undefined {
  const file = path.join(folder, ORIGIN_FILE);
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined;
}

interface Failure {
  readonly source: Source;
  readonly reason: string;
}

/** A full disk or a read-only cache folder is a reason as well. */
const reasonOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

const firstLine = (text: string): string => text.split('\n', 1)[0] ?? text;

const nothingWorks = (
  server: string,
  failures: readonly Failure[],
  otherWays: readonly string[],
): StackError =>
  new StackError(
    [
      `${server} cannot be installed here. What was tried:`,
      ...failures.map(({ source, reason }) => `  - ${source.name}: ${indent(reason)}`),
      'One of these is enough:',
      ...[...otherWays, ...failures.map(({ source }) => source.howTo)].map((way) => `  - ${way}`),
    ].join('\n'),
  );

const indent = (text: string): string => text.trimEnd().replaceAll('\n', '\n    ');
