import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';
import { eventually, FinalError } from './eventually.ts';

const MAIN = path.join(import.meta.dirname, '../../dist/cli/main.js');

export type LogEvent = Readonly<Record<string, unknown>> & { readonly event?: string };

/** A bridge or a worker as users run it: a process of its own. */
export interface RunningProgram {
  readonly events: readonly LogEvent[];
  /** Waits until the program has logged such an event; throws when it ends without. */
  logged(event: string, where?: (entry: LogEvent) => boolean): Promise<LogEvent>;
  /** Asks the bridge's HTTP endpoint, such as `GET /readyz`. */
  http(method: 'GET' | 'POST', path: string): Promise<{ status: number; body: string }>;
  readonly pid: number;
  /** The exit code, or the signal that killed it; undefined while it runs. */
  exitStatus(): number | string | undefined;
  /** The last of what it has logged, and all that it has printed on stderr. */
  recentOutput(): string;
  /** Ends it with the signal and answers with its exit code, or the signal that killed it. */
  end(signal: NodeJS.Signals): Promise<number | string>;
}

export type ProgramEnv = Readonly<Record<string, string>>;

/** Keeps what the program logs in the folder `PROGRAM_LOGS` too, when there is one. */
export async function startProgram(
  name: 'bridge' | 'worker',
  env: ProgramEnv,
): Promise<RunningProgram> {
  const child = spawn(process.execPath, [MAIN, name], {
    env: { PATH: process.env['PATH'], LOG_FORMAT: 'json', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const events: LogEvent[] = [];
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  /** It has ended, and all that it logged has been read. */
  let isSilent = false;
  createInterface({ input: child.stdout })
    .on('line', (line) => {
      events.push(JSON.parse(line) as LogEvent);
    })
    .on('close', () => (isSilent = true));
  const logs = process.env['PROGRAM_LOGS'];
  if (logs) child.stdout.pipe(createWriteStream(path.join(logs, `${name}-${child.pid}.log`)));
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const program: RunningProgram = {
    events,
    logged: (event, where = () => true) =>
      eventually(() => {
        const entry = events.find((candidate) => candidate.event === event && where(candidate));
        if (entry) return entry;
        if (isSilent) throw new FinalError(`the ${name} ended without ${event}\n${stderr}`);
        throw new Error(`the ${name} has not logged ${event}\n${stderr}`);
      }),
    async http(method, path) {
      const { port } = await program.logged('http_listening');
      const response = await fetch(`http://127.0.0.1:${String(port)}${path}`, { method });
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
    await program.logged(name === 'bridge' ? 'partitions_assigned' : 'worker_started');
    return program;
  } catch (error) {
    await program.end('SIGKILL');
    throw error;
  }
}

interface CommandResult {
  /** Undefined when a signal has ended it. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command to its end, with no environment but the given one. */
export function runCli(
  args: readonly string[],
  env: ProgramEnv,
  input?: string,
): Promise<CommandResult> {
  return startCli(args, env, input).result;
}

export interface RunningCommand {
  kill(signal: NodeJS.Signals): void;
  /** Waits until it has printed this on stderr. */
  printed(text: string): Promise<void>;
  readonly result: Promise<CommandResult>;
}

/** The same, for a command that a test ends itself. */
export function startCli(args: readonly string[], env: ProgramEnv, input?: string): RunningCommand {
  const command = execa(process.execPath, [MAIN, ...args], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    extendEnv: false,
    reject: false,
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

/** Runs a command whose stdout nobody reads. */
export async function runCliUnread(
  args: readonly string[],
): Promise<{ exitCode: number | undefined; stderr: string }> {
  const command = execa(process.execPath, [MAIN, ...args], { reject: false });
  command.stdout.destroy();
  const { exitCode, stderr } = await command;
  return { exitCode, stderr };
}
