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
  /** Undefined while there are no tables. */
  readonly mayInsert: boolean | undefined;
}

export async function readServerState(pool: Pick<Pool, 'query'>): Promise<ServerState> {
  const { rows } = await pool.query<{
    version: string;
    database: string;
    schema: string | null;
    user_name: string;
    now_ms: string;
    is_read_only: boolean;
    may_insert: boolean | null;
  }>(`
SELECT
  'Postgres ' || current_setting('server_version') AS version,
  current_database() AS database,
  current_schema() AS schema,
  current_user AS user_name,
  extract(epoch FROM clock_timestamp()) * 1000 AS now_ms,
  pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on' AS is_read_only,
  CASE WHEN to_regclass('orders') IS NOT NULL THEN has_table_privilege('orders', 'INSERT') END
    AS may_insert`);
  const [row] = rows;
  if (!row) throw new Error('Postgres has answered with no row');
  return {
    version: row.version,
    database: row.database,
    schema: row.schema ?? 'none',
    user: row.user_name,
    nowMs: Number(row.now_ms),
    isReadOnly: row.is_read_only,
    mayInsert: row.may_insert ?? undefined,
  };
}
