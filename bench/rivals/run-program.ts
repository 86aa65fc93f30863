import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { RunningRival } from './rival.ts';

const PROGRAMS = path.join(import.meta.dirname, 'programs');

/** Strips the types only. tsx wraps each function to keep its name, which makes the code a tenth slower. */
const RUN_TYPESCRIPT = ['--import', 'ts-blank-space/register'];

/**
 * Starts a program of `bench/rivals/programs` and waits until it prints `ready`.
 *
 * @param name its name in the results
 * @param node the Node.js to run it with
 */
export async function startRivalProgram(
  name: string,
  file: string,
  { args = [], env, node = process.execPath }: ProgramOptions,
): Promise<RunningRival> {
  const child = spawn(node, [...RUN_TYPESCRIPT, path.join(PROGRAMS, file), ...args], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const exit = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  const ready = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      if (line === 'ready') resolve();
    });
  });
  const ended = async () => {
    const [code] = (await exit) as [number | null];
    throw new Error(`${file} exited with ${String(code)}`);
  };
  await Promise.race([ready, ended()]);
  return {
    pids: { [name]: child.pid ?? 0 },
    async end(signal) {
      child.kill(signal);
      await exit;
    },
  };
}

export interface ProgramOptions {
  readonly args?: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly node?: string;
}
