import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { execa } from 'execa';

const LOADS = path.join(import.meta.dirname, '../loads');

export type LoadEnv = Readonly<Record<string, string>>;

/** Starts workflows by a process of its own; answers with how long that took, in seconds. */
export async function runStartLoop(
  env: LoadEnv,
  load: { type: string; prefix: string; count: number; concurrency: number },
): Promise<number> {
  const { type, prefix, count, concurrency } = load;
  const { stdout } = await execa(
    process.execPath,
    [...fileOf('start-loop'), type, prefix, String(count), String(concurrency)],
    { env },
  );
  return (JSON.parse(stdout) as { seconds: number }).seconds;
}

export interface LoadWorker {
  readonly pid: number;
  stop(): Promise<void>;
}

/** The SDK's worker alone, for the workflows of `load-workflows.ts`. */
export async function startLoadWorker(env: LoadEnv): Promise<LoadWorker> {
  const child = spawn(process.execPath, fileOf('load-worker'), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const lines = createInterface({ input: child.stdout });
  await Promise.race([
    once(lines, 'line'),
    exit.then(() => {
      throw new Error('the load worker has ended');
    }),
  ]);
  return {
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM');
      await exit;
    },
  };
}

const fileOf = (name: string) => ['--import', 'tsx', path.join(LOADS, `${name}.ts`)];
