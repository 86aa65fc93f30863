import pg from 'pg';
import { checkSearchPath } from './search-path.ts';

export interface PoolOptions {
  readonly url: string;
  readonly connectTimeoutMs: number;
  readonly statementTimeoutMs: number;
  /** `auto` if not given: where connections are not pooled on their way. */
  readonly preparedStatements?: PreparedStatements;
  readonly maxConnections: number;
  /** Told of a connection that broke while nobody used it; the pool makes a new one. */
  readonly onIdleError: (error: Error) => void;
}

export type PreparedStatements = 'auto' | 'on' | 'off';

/** Connections to Postgres. `end()` closes them. */
export interface DatabasePool extends pg.Pool {
  /** Whether statements that have a name may be prepared; known once there has been a connection. */
  readonly preparesStatements: boolean;
  /** Whether a pooler such as PgBouncer is between here and Postgres. */
  readonly isPooled: boolean;
}

/**
 * Settings of a session are sent after connecting and not with the startup packet: PgBouncer refuses
 * parameters there that it does not know.
 */
export function createDatabasePool(options: PoolOptions): DatabasePool {
  const { preparedStatements = 'auto' } = options;
  let isPooled: boolean | undefined;
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: 'order-ingest',
    max: options.maxConnections,
    connectionTimeoutMillis: options.connectTimeoutMs,
    // The server's timeout does not help when the server is gone without a word.
    query_timeout: options.statementTimeoutMs + 1000,
    keepAlive: true,
    // eslint-disable-next-line @typescript-eslint/no-misused-promises -- the pool awaits it; its types do not say so
    onConnect: async (client) => {
      isPooled = !(await setStatementTimeout(client, options.statementTimeoutMs));
      await checkSearchPath(client, options.url);
    },
  });
  // Without a listener a broken idle connection would end the process.
  pool.on('error', options.onIdleError);
  return Object.defineProperties(pool, {
    isPooled: { get: () => isPooled === true },
    preparesStatements: {
      get: () => (preparedStatements === 'auto' ? isPooled === false : preparedStatements === 'on'),
    },
  }) as DatabasePool;
}

/**
 * Sets the session's timeout, and answers whether that was possible. It is not where a pooler gives
 * the connection to another client after each transaction: the setting, like a prepared statement,
 * would stay with whoever has it next. A pooler gives itself away by the process ID, since the one
 * that it announces is not that of the server process behind it.
 */
async function setStatementTimeout(client: pg.ClientBase, timeoutMs: number): Promise<boolean> {
  const announced = 'processID' in client ? client.processID : undefined;
  const { rowCount } = await client.query(
    "SELECT set_config('statement_timeout', $1, false) WHERE pg_backend_pid() = $2",
    [String(timeoutMs), announced],
  );
  return rowCount === 1;
}
