import pg from 'pg';
import type { DatabaseUrl } from '../config/database-url.ts';
import { OperatorError } from '../program/operator-error.ts';
import { createConnector, longestConnectMs, type ConnectOptions } from './connect.ts';
import { deferredClient } from './deferred-client.ts';

export interface PoolOptions extends Omit<ConnectOptions, 'queryTimeoutMs'> {
  readonly statementTimeoutMs: number;
  /** Default `auto`: statements are prepared unless a pooler is in front of Postgres. */
  readonly preparedStatements?: PreparedStatements;
  readonly maxConnections: number;
  /** Called when an idle connection breaks. The pool opens a new one when it needs it. */
  readonly onIdleError: (error: Error) => void;
}

export type PreparedStatements = 'auto' | 'on' | 'off';

/** Connections to Postgres; `end()` closes them. */
export interface DatabasePool extends pg.Pool {
  /** Whether named statements may be prepared. With `auto` false until the first connection. */
  readonly preparesStatements: boolean;
  /** Whether a pooler such as PgBouncer is in front of Postgres. False until the first connection. */
  readonly isPooled: boolean;
}

/** How much longer than a connection the pool waits, so that the error of the connection is reported. */
const MARGIN_MS = 500;

/**
 * Session settings are sent after connecting and not in the startup packet, where PgBouncer rejects
 * parameters that it does not know.
 */
export function createDatabasePool(options: PoolOptions): DatabasePool {
  const { preparedStatements = 'auto', statementTimeoutMs } = options;
  // Postgres cannot enforce its own timeout when the network or the server is down.
  const connect = createConnector({ ...options, queryTimeoutMs: statementTimeoutMs + 1000 });
  let isPooled: boolean | undefined;
  const open = async () => {
    const { client, url } = await connect();
    try {
      isPooled = !(await setStatementTimeout(client, statementTimeoutMs));
      await checkSearchPath(client, url);
      return client;
    } catch (error) {
      void client.end().catch(() => undefined);
      throw error;
    }
  };
  const pool = new pg.Pool({
    Client: deferredClient(open),
    max: options.maxConnections,
    connectionTimeoutMillis: longestConnectMs(options) + MARGIN_MS,
  });
  // Without a listener, the error of an idle connection would end the process.
  pool.on('error', options.onIdleError);
  return Object.defineProperties(pool, {
    isPooled: { get: () => isPooled === true },
    preparesStatements: {
      get: () => (preparedStatements === 'auto' ? isPooled === false : preparedStatements === 'on'),
    },
  }) as DatabasePool;
}

/**
 * Sets the statement timeout of the session unless a pooler is in front of Postgres, and returns whether
 * it did. A pooler may give the server's session to another client after each transaction, which would
 * inherit the setting, just as it would inherit a prepared statement. A pooler is recognized by the process
 * ID that it announces: it is not that of the server process behind it.
 */
async function setStatementTimeout(client: pg.ClientBase, timeoutMs: number): Promise<boolean> {
  const { rowCount } = await client.query(
    "SELECT set_config('statement_timeout', $1, false) WHERE pg_backend_pid() = $2",
    [String(timeoutMs), announcedPid(client)],
  );
  return rowCount === 1;
}

/** Whether a pooler such as PgBouncer is in front of Postgres: see `setStatementTimeout`. */
export async function isBehindPooler(client: pg.ClientBase): Promise<boolean> {
  const { rowCount } = await client.query('SELECT WHERE pg_backend_pid() = $1', [
    announcedPid(client),
  ]);
  return rowCount === 0;
}

const announcedPid = (client: pg.ClientBase) =>
  'processID' in client ? client.processID : undefined;

/** The search path in the URL's `options`; undefined when the URL leaves it to the server. */
export const requestedSearchPath = ({ session }: DatabaseUrl): string | undefined =>
  /(?:^|\s)(?:-c\s*|--)search_path=((?:\\.|\S)+)/
    .exec(session['options'] ?? '')?.[1]
    ?.replace(/\\(.)/g, '$1');

/**
 * Throws an OperatorError when the session's search path is not the one in the URL. Behind a pooler that
 * ignores `options`, orders would otherwise be stored in whichever tables the server finds first.
 */
export async function checkSearchPath(
  client: Pick<pg.ClientBase, 'query'>,
  url: DatabaseUrl,
): Promise<void> {
  const requested = requestedSearchPath(url);
  if (requested === undefined) return;
  const { rows } = await client.query<{ search_path: string }>('SHOW search_path');
  const actual = rows[0]?.search_path ?? '';
  if (actual === requested) return;
  throw new OperatorError(
    'DATABASE_SEARCH_PATH_IGNORED',
    `The search path is ${actual}, but DATABASE_URL requests ${requested}: a pooler such as PgBouncer in front of Postgres ignores \`options\``,
    `remove \`options\` from DATABASE_URL and set the search path of the role: ALTER ROLE … SET search_path = ${requested}`,
  );
}
