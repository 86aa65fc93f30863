import type { Pool } from 'pg';

/** What a server reports about itself and the session. */
export interface ServerState {
  readonly version: string;
  readonly database: string;
  /** The first existing schema of the search path, or `none`. */
  readonly schema: string;
  readonly user: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly nowMs: number;
  readonly isReadOnly: boolean;
  /** 0 for none. */
  readonly statementTimeoutMs: number;
}

export async function readServerState(pool: Pick<Pool, 'query'>): Promise<ServerState> {
  const { rows } = await pool.query<{
    version: string;
    database: string;
    schema: string | null;
    user_name: string;
    now_ms: string;
    is_read_only: boolean;
    statement_timeout_ms: string;
  }>(`
SELECT
  'Postgres ' || current_setting('server_version') AS version,
  current_database() AS database,
  current_schema() AS schema,
  current_user AS user_name,
  extract(epoch FROM clock_timestamp()) * 1000 AS now_ms,
  pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS is_read_only,
  (SELECT setting FROM pg_settings WHERE name = 'statement_timeout') AS statement_timeout_ms`);
  const [row] = rows;
  if (!row) throw new Error('Postgres returned no row');
  return {
    version: row.version,
    database: row.database,
    schema: row.schema ?? 'none',
    user: row.user_name,
    nowMs: Number(row.now_ms),
    isReadOnly: row.is_read_only,
    statementTimeoutMs: Number(row.statement_timeout_ms),
  };
}

/**
 * How many rows have ever been inserted into a table, from Postgres's statistics: as cheap for a large table
 * as for a small one, and about a second behind.
 */
export async function countInsertedRows(pool: Pick<Pool, 'query'>, table: string): Promise<number> {
  const { rows } = await pool.query<{ inserted: string }>(
    'SELECT coalesce(max(pg_stat_get_tuples_inserted(to_regclass($1))), 0) AS inserted',
    [table],
  );
  return Number(rows[0]?.inserted ?? 0);
}
