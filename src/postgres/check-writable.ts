import type { Pool, PoolClient } from 'pg';

/**
 * Throws unless orders can be stored in this database: it answers, takes writes, has the table and
 * lets this user insert into it. A read-only connection is closed: others in the pool may be to a
 * server that has become a primary meanwhile, or the setting may have changed for new sessions only.
 */
export async function checkWritable(pool: Pick<Pool, 'connect'>): Promise<void> {
  const client = await pool.connect();
  // Of a connection that breaks while nobody waits for it; the next query reports it.
  client.on('error', ignore);
  let problem: Error | undefined;
  try {
    problem = await problemOf(client);
  } catch (error) {
    problem = error instanceof Error ? error : new Error(String(error));
  }
  client.off('error', ignore);
  client.release(problem);
  if (problem) throw problem;
}

const ignore = () => undefined;

async function problemOf(client: PoolClient): Promise<Error | undefined> {
  const { rows } = await client.query<{
    is_standby: boolean;
    is_read_only: boolean;
    may_insert: boolean;
  }>(`
SELECT
  pg_is_in_recovery() AS is_standby,
  current_setting('transaction_read_only') = 'on' AS is_read_only,
  has_any_column_privilege('orders', 'INSERT')
    AND has_any_column_privilege('order_line_items', 'INSERT') AS may_insert`);
  const [row] = rows;
  if (row?.is_standby) return new Error('the server is a standby: it takes no writes');
  if (row?.is_read_only) {
    return new Error('the database is read-only (default_transaction_read_only is on)');
  }
  if (!row?.may_insert) return new Error('this user lacks the privilege to insert orders');
  return undefined;
}
