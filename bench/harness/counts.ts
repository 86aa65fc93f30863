import type { TestDatabase } from '../../test/support/database.ts';
import type { RunningProgram } from '../../test/support/programs.ts';
import type { TestSystem } from '../../test/support/system.ts';

/** The number of stored orders. */
export const countStored = ({ database }: TestSystem): Promise<number> =>
  countRows(database, 'orders');

export async function countRows({ pool }: TestDatabase, table: string): Promise<number> {
  const { rows } = await pool.query<{ count: string }>(`SELECT count(*) FROM ${table}`);
  return Number(rows[0]?.count);
}

/** The number of messages with this outcome in the bridge's latest progress event. */
export const progressOf = (bridge: RunningProgram, outcome: 'started' | 'duplicates'): number =>
  Number(bridge.events.findLast(({ event }) => event === 'bridge_progress')?.[outcome] ?? 0);
