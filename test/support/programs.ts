import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { eventually, FinalError } from './eventually.ts';

/** The program in dist/, built by global-setup.mjs. */
export const MAIN = path.join(import.meta.dirname, '../../dist/cli/main.js');

export type LogEvent = Readonly<Record<string, unknown>> & { readonly event?: string };

/** A bridge, a worker, both in one process or a codec server, run as a process like in production. */
export interface RunningProgram {
  readonly events: readonly LogEvent[];
  /** Waits until the program has logged such an event. Throws if it exits first. */
  logged(event: string, where?: (entry: LogEvent) => boolean): Promise<LogEvent>;
  /** Sends a request to the program's HTTP endpoint, such as `GET /readyz`; of `run`, to that of its part, by default the bridge. */
  http(
    method: 'GET' | 'POST',
    path: string,
    part?: 'bridge' | 'worker',
  ): Promise<{ status: number; body: string }>;
  readonly pid: number;
  /** The exit code, or the signal that killed it; undefined while it is running. */
  exitStatus(): number | string | undefined;
  /** The last log events, and all of stderr. */
  recentOutput(): string;
  /** Sends the signal and waits for the exit code, or the signal that killed it. */
  end(signal: NodeJS.Signals): Promise<number | string>;
}

export type ProgramEnv = Readonly<Record<string, string>>;

/** What a program logs once it is running. */
const STARTED = {
  bridge: 'partitions_assigned',
  worker: 'worker_started',
  run: 'partitions_assigned',
  'codec-server': 'http_listening',
} as const;

/**
 * Starts a program and waits until it is running. If `PROGRAM_LOGS` is set, also logs to that folder.
 *
 * @param main the `main.js` of another build
 */
export async function startProgram(
  name: keyof typeof STARTED,
  env: ProgramEnv,
  main = MAIN,
): Promise<RunningProgram> {
  const child = spawn(process.execPath, [main, name], {
    env: { PATH: process.env['PATH'], LOG_FORMAT: 'json', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const events: LogEvent[] = [];
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  /** The program has exited, and all its logs have been read. */
  let isAtEnd = false;
  createInterface({ input: child.stdout })
    .on('line', (line) => {
      events.push(JSON.parse(line) as LogEvent);
    })
    .on('close', () => (isAtEnd = true));
  const logs = process.env['PROGRAM_LOGS'];
  if (logs) child.stdout.pipe(createWriteStream(path.join(logs, `${name}-${child.pid}.log`)));
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const program: RunningProgram = {
    events,
    logged: (event, where = () => true) =>
      eventually(() => {
        const entry = events.find((candidate) => candidate.event === event && where(candidate));
        if (entry) return entry;
        if (isAtEnd) throw new FinalError(`the ${name} exited without ${event}\n${stderr}`);
        throw new Error(`the ${name} has not logged ${event}\n${stderr}`);
      }),
    async http(method, path, part = 'bridge') {
      const { port } = await program.logged(
        'http_listening',
        ({ service }) => name !== 'run' || service === part,
      );
      const response = await fetch(`http://127.0.0.1:${String(port)}${path}`, {
        method,
        headers: {
          // The program closes an idle connection, perhaps while it is used again.
          connection: 'close',
          // A bridge requires it for actions.
          ...(method === 'POST' && { 'content-type': 'application/json' }),
        },
      });
      return { status: response.status, body: await response.text() };
    },
    pid: child.pid ?? 0,
    exitStatus: () => child.exitCode ?? child.signalCode ?? undefined,
    recentOutput: () =>
      `${events
        .slice(-8)
        .map((event) => JSON.stringify(event))
        .join('\n')}\n${stderr}`,
    async end(signal) {
      child.kill(signal);
      const [code, killedBy] = await exit;
      return code ?? killedBy ?? 'unknown';
    },
  };
  try {
    await program.logged(STARTED[name]);
    return program;
  } catch (error) {
    await program.end('SIGKILL');
    throw error;
  }
}

interface CommandResult {
  /** Undefined if a signal killed the command. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, with only the given environment. */
export function runCli(
  args: readonly string[],
  env: ProgramEnv,
  input?: string,
  main = MAIN,
): Promise<CommandResult> {
  return startCli(args, env, input, main).result;
}

export interface RunningCommand {
  kill(signal: NodeJS.Signals): void;
  /** Waits until the command has printed this on stderr. */
  printed(text: string): Promise<void>;
  readonly result: Promise<CommandResult>;
}

/** Starts a command that a test can interrupt. */
export function startCli(
  args: readonly string[],
  env: ProgramEnv,
  input?: string,
  main = MAIN,
): RunningCommand {
  const command = execa(process.execPath, [main, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    extendEnv: false,
    reject: false,
    forceKillAfterDelay: false,
    ...(input === undefined ? { stdin: 'ignore' } : { input }),
  });
  let stderr = '';
  command.stderr.on('data', (part: Buffer) => (stderr += part.toString()));
  return {
    kill: (signal) => command.kill(signal),
    printed: (text) =>
      eventually(() => {
        expect(stderr).toContain(text);
      }),
    result: command.then((result) => ({
      exitCode: result.exitCode,
      stdout: result.stdout,
      stderr: result.stderr,
    })),
  };
}

/** Runs a command whose stdout is closed. */
export async function runCliUnread(
  args: readonly string[],
): Promise<{ exitCode: number | undefined; stderr: string }> {
  const command = execa(process.execPath, [MAIN, ...args], { reject: false });
  command.stdout.destroy();
  const { exitCode, stderr } = await command;
  return { exitCode, stderr };
}
