import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { StackError } from '../stack/stack-error.ts';

/** Runs a command and returns what it prints. Throws a StackError with its last lines if it fails. */
export async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const result = await execa(command, args, { cwd, reject: false });
  if (!result.failed) return result.stdout.trim();
  const reason = `${result.stderr || result.shortMessage}`.split('\n').slice(-10).join('\n');
  throw new StackError(`${command} ${args.join(' ')} failed:\n${reason}`);
}

/** Throws a StackError unless the file has this SHA-256. */
export function requireHash(file: string, sha256: string): void {
  const actual = createHash('sha256').update(readFileSync(file)).digest('hex');
  if (actual !== sha256) {
    throw new StackError(`${path.basename(file)} has the SHA-256 ${actual} instead of ${sha256}`);
  }
}

const UNZIP = `
import sys, zipfile
with zipfile.ZipFile(sys.argv[1]) as archive:
    archive.extractall(sys.argv[2], [name for name in archive.namelist() if name.startswith(tuple(sys.argv[3:]))])
`;

/** Extracts what is in these folders of the archive. */
export async function unzip(archive: string, into: string, ...folders: string[]): Promise<void> {
  await run('python3', ['-c', UNZIP, archive, into, ...folders], into);
}

/** The folder of a Go module in Go's own cache. */
export async function goModule(module: string, cwd: string): Promise<string> {
  const described = await run('go', ['mod', 'download', '-json', module], cwd);
  return z.object({ Dir: z.string() }).parse(JSON.parse(described)).Dir;
}
