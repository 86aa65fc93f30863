import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { PROJECT_DIR } from '../stack/places.ts';
import { StackError } from '../stack/stack-error.ts';

const MAIN = path.join(PROJECT_DIR, 'dist/cli/main.js');

export type ProgramEnv = Readonly<Record<string, string>>;

/** Runs an order-ingest command and returns its output. Throws a StackError if it fails. */
export async function runCommand(args: readonly string[], env: ProgramEnv): Promise<string> {
  const result = await execa(process.execPath, [MAIN, ...args], { env, reject: false, all: true });
  if (result.failed) throw new StackError(result.all);
  return result.all;
}

/** A bridge or a worker in a process of its own, as in production. */
export interface Program {
  readonly name: string;
  readonly pid: number;
  /** Rejects when the program exits without having been asked to. */
  readonly ended: Promise<never>;
  stop(): Promise<void>;
}

/** @param onEvent called with each line that the program logs */
export function startProgram(
  name: string,
  env: ProgramEnv,
  logFile: string,
  onEvent: (event: Readonly<Record<string, unknown>>) => void,
): Program {
  const child = spawn(process.execPath, [MAIN, name], {
    env: { ...process.env, ...env, LOG_FORMAT: 'json' },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Ctrl-C signals every process of the terminal's group. This program is stopped by `stop` instead.
    detached: true,
  });
  if (child.pid === undefined) throw new StackError(`The ${name} could not be started`);
  mkdirSync(path.dirname(logFile), { recursive: true });
  const log = createWriteStream(logFile, { flags: 'a' });
  child.stderr.pipe(log, { end: false });
  createInterface({ input: child.stdout }).on('line', (line) => {
    log.write(`${line}\n`);
    onEvent(parseEvent(line));
  });
  let isStopping = false;
  const exit = exitOf(child);
  const ended = exit.then((code): never => {
    if (isStopping) return new Promise<never>(() => undefined) as never;
    throw new StackError(
      `The ${name} exited with code ${code}. The last lines of its log ${logFile}:\n${readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-5).join('\n')}`,
    );
  });
  ended.catch(() => undefined);
  return {
    name,
    pid: child.pid,
    ended,
    async stop() {
      isStopping = true;
      child.kill('SIGTERM');
      await exit;
    },
  };
}

async function exitOf(child: ChildProcess): Promise<string> {
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  return String(code ?? signal);
}

function parseEvent(line: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return {};
  }
}
