import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';

const LOADS = path.join(import.meta.dirname, '../loads');

/** Strips the types only. tsx wraps each function to keep its name, which makes the code a tenth slower. */
const RUN_TYPESCRIPT = ['--import', 'ts-blank-space/register'];

export type LoadEnv = Readonly<Record<string, string>>;

/** A process of `bench/loads`, which prints how many orders it has done. */
export interface Load {
  readonly pid: number;
  readonly done: () => number;
  /** Sends a SIGTERM and waits until the process has exited. */
  stop(): Promise<void>;
}

/** What the bridge adds to a start, besides the message. */
export const CARRIED = ['memo', 'search-attributes', 'summary'] as const;
export type Carried = (typeof CARRIED)[number];

/** Starts workflows by the SDK's client alone. */
export const startStartLoop = (
  env: LoadEnv,
  load: {
    type: string;
    prefix: string;
    count: number;
    concurrency: number;
    /** What to add to each start, besides the message. */
    carries?: readonly Carried[];
  },
): Promise<Load> =>
  startLoad('start-loop', env, [
    load.type,
    load.prefix,
    String(load.count),
    String(load.concurrency),
    ...(load.carries ?? []),
  ]);

/** The SDK's worker alone, with the workflows of `load-workflows.ts`. */
export const startLoadWorker = (env: LoadEnv): Promise<Load> => startLoad('load-worker', env);

/** Starts a load and waits until it has printed its first count. */
async function startLoad(name: string, env: LoadEnv, args: readonly string[] = []): Promise<Load> {
  const child = spawn(
    process.execPath,
    [...RUN_TYPESCRIPT, path.join(LOADS, `${name}.ts`), ...args],
    { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const exit = once(child, 'exit');
  const ended = async () => {
    const [code] = (await exit) as [number | null];
    if (code !== 0) throw new Error(`${name} exited with ${String(code)}`);
  };
  let done = 0;
  const lines = createInterface({ input: child.stdout }).on('line', (line) => {
    done = Number(line);
  });
  await Promise.race([once(lines, 'line'), ended()]);
  return {
    pid: child.pid ?? 0,
    done: () => done,
    async stop() {
      child.kill('SIGTERM');
      await ended();
    },
  };
}
