import type { Pool, PoolClient } from 'pg';
import type { Tables } from './privileges.ts';

/**
 * Throws unless rows can be inserted into all tables: the server answers, it accepts writes, the tables
 * exist and this user may insert into them. A read-only connection is closed. The next one may reach a
 * server that has since become the primary, and a setting may have changed for new sessions only.
 */
export async function checkWritable(pool: Pick<Pool, 'connect'>, tables: Tables): Promise<void> {
  const client = await pool.connect();
  // An error event between two queries would end the process; the next query reports the error anyway.
  client.on('error', ignore);
  let problem: Error | undefined;
  try {
    problem = await problemOf(client, tables);
  } catch (error) {
    problem = error instanceof Error ? error : new Error(String(error));
  }
  client.off('error', ignore);
  client.release(problem);
  if (problem) throw problem;
}

const ignore = () => undefined;

async function problemOf(client: PoolClient, tables: Tables): Promise<Error | undefined> {
  const { rows } = await client.query<{
    is_standby: boolean;
    is_read_only: boolean;
    may_insert: boolean;
  }>(
    `
SELECT
  pg_is_in_recovery() AS is_standby,
  current_setting('transaction_read_only') = 'on' AS is_read_only,
  (SELECT bool_and(has_any_column_privilege(name, 'INSERT')) FROM unnest($1::text[]) AS name) AS may_insert`,
    [Object.keys(tables)],
  );
  const [row] = rows;
  if (row?.is_standby) return new Error('the server is a standby, which accepts no writes');
  if (row?.is_read_only) {
    return new Error('the database is read-only (default_transaction_read_only is on)');
  }
  if (!row?.may_insert) return new Error('this user lacks the INSERT privilege on a table');
  return undefined;
}
