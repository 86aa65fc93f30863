import pg from 'pg';

export interface PoolOptions {
  readonly url: string;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  readonly maxConnections: number;
  /** Told of a connection that broke while nobody used it; the pool makes a new one. */
  readonly onIdleError: (error: Error) => void;
}

/** Connections to Postgres. `end()` closes them. */
export function createDatabasePool(options: PoolOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: 'order-ingest',
    max: options.maxConnections,
    connectionTimeoutMillis: options.connectTimeoutMs,
    statement_timeout: options.statementTimeoutMs,
    // The server's timeout does not help when the server is gone without a word.
    query_timeout: options.statementTimeoutMs + 1000,
    keepAlive: true,
  });
  // Without a listener a broken idle connection would end the process.
  pool.on('error', options.onIdleError);
  return pool;
}
