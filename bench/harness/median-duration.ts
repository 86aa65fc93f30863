import { execa } from 'execa';
import { spreadOf } from './compare.ts';

/** How often a command is run. */
export const RUNS = 15;

/** The median duration of a command of Node, in milliseconds. Throws if the command fails. */
export async function medianDuration(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<number> {
  const durations: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const begin = performance.now();
    await execa(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
    durations.push(performance.now() - begin);
  }
  return spreadOf(durations).median;
}
