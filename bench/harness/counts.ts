import type { RunningProgram } from '../../test/support/programs.ts';
import type { TestSystem } from '../../test/support/system.ts';

/** How many orders are rows. */
export async function countStored({ database }: TestSystem): Promise<number> {
  const { rows } = await database.pool.query<{ count: string }>('SELECT count(*) FROM orders');
  return Number(rows[0]?.count);
}

/** How many messages have ended so, by what the bridge last logged of its progress. */
export const progressOf = (bridge: RunningProgram, outcome: 'started' | 'duplicates'): number =>
  Number(bridge.events.findLast(({ event }) => event === 'bridge_progress')?.[outcome] ?? 0);
