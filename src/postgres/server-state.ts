import type { Pool } from 'pg';

/** What a server says of itself, and of what this user may do there. */
export interface ServerState {
  readonly version: string;
  readonly database: string;
  readonly schema: string;
  readonly user: string;
  /** Milliseconds since 1970, by the server's clock. */
  readonly nowMs: number;
  readonly isReadOnly: boolean;
  readonly hasTables: boolean;
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
    has_tables: boolean;
    statement_timeout_ms: string;
  }>(`
SELECT
  'Postgres ' || current_setting('server_version') AS version,
  current_database() AS database,
  current_schema() AS schema,
  current_user AS user_name,
  extract(epoch FROM clock_timestamp()) * 1000 AS now_ms,
  pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS is_read_only,
  to_regclass('orders') IS NOT NULL AND to_regclass('order_line_items') IS NOT NULL AS has_tables,
  (SELECT setting FROM pg_settings WHERE name = 'statement_timeout') AS statement_timeout_ms`);
  const [row] = rows;
  if (!row) throw new Error('Postgres has answered with no row');
  return {
    version: row.version,
    database: row.database,
    schema: row.schema ?? 'none',
    user: row.user_name,
    nowMs: Number(row.now_ms),
    isReadOnly: row.is_read_only,
    hasTables: row.has_tables,
    statementTimeoutMs: Number(row.statement_timeout_ms),
  };
}
